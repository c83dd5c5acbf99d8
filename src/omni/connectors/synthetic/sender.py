"""Writes to the synthetic network's people."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime

from omni.base.errors import Ambiguous, CannotTell, Transient, Unauthorized
from omni.connectors.exchange import HttpRejected
from omni.connectors.readback import SKEW, find_receipt
from omni.connectors.synthetic.wire import (
    PLATFORM,
    AccountJson,
    Http,
    LetterJson,
    LettersJson,
    PeopleJson,
    read,
)
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt

MOST_READ = 100
"""How many of the latest messages to somebody are read back."""


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

    async def verify(self, sender: Credentials) -> Identity:
        """Return who the account is.

        Raises:
            Unauthorized: The network does not accept the account.
            Transient: The network did not answer well.
        """
        with account_faults():
            answer = await self._http.get_json(f"{self._base}/me", headers=authorization(sender))
        account = read(answer, AccountJson)
        return Identity(account.id, account.username)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return why this person may not be written to now; None if they may.

        Raises:
            Transient: The network did not answer well.
        """
        answer = await self._http.get_json(f"{self._base}/people", params={"ids": platform_id})
        people = read(answer, PeopleJson).people
        if not people:
            return "this person is gone"
        return None if people[0].accepts_messages else "this person does not accept messages"

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

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Read back what the account has written to this person.

        Raises:
            CannotTell: There is more than can be read back.
            Unauthorized: The network does not accept the account.
            Transient: The network did not answer well.
        """
        with account_faults():
            answer = await self._http.get_json(
                f"{self._base}/messages",
                params={"to": message.platform_id, "limit": str(MOST_READ)},
                headers=authorization(sender),
            )
        letters = read(answer, LettersJson).messages
        shown = ((letter.text, Receipt(letter.id, letter.sent_at)) for letter in letters)
        found = find_receipt(shown, message.text, since)
        if found is None and len(letters) == MOST_READ and letters[-1].sent_at > since - SKEW:
            raise CannotTell(f"more than {MOST_READ} messages were written to this person since")
        return found
