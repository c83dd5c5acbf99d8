from ..backoff import EqualJitterBackoff

class Retry:
    def __init__(self, backoff: EqualJitterBackoff, retries: int) -> None: ...
