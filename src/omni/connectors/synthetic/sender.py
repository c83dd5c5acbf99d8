"""Writes to the synthetic network's people."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from omni.base.errors import Ambiguous, Transient, Unauthorized
from omni.connectors.exchange import HttpRejected
from omni.connectors.synthetic.wire import PLATFORM, Http, LetterJson, read
from omni.connectors.types import Credentials, Outgoing, Receipt


def authorization(account: Credentials) -> dict[str, str]:
    """Return the header that names the account; without a secret the handle itself is the token."""
    return {"Authorization": f"Bearer {account.secret or account.handle}"}


@contextmanager
def account_faults() -> Generator[None]:
    """Tell a refusal of the account from a refusal of what it asks for."""
    try:
        yield
    except HttpRejected as error:
        if error.status == 401:
            raise Unauthorized(f"{PLATFORM} does not accept the account: {error}") from error
        raise


class SyntheticSender:
    """`MessageSender` of the synthetic network, which honours idempotency keys."""

    platform = PLATFORM

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base = base_url.rstrip("/")

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Hand the message over, once.

        Raises:
            Rejected: The recipient does not accept messages or is gone.
            Unauthorized: The network does not accept the account.
            Transient: Surely not taken.
            Ambiguous: Perhaps taken.
        """
        with account_faults():
            answer = await self._http.post_json(
                f"{self._base}/messages",
                json={"to": message.platform_id, "text": message.text},
                headers=authorization(sender) | {"Idempotency-Key": message.key},
                retry=False,
            )
        try:
            letter = read(answer, LetterJson)
        except Transient as error:
            raise Ambiguous(f"perhaps taken: {error}") from error
        return Receipt(letter.id, letter.sent_at)
