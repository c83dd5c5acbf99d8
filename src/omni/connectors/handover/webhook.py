"""Hands messages over to the user's own sender by a signed webhook.

The receiver answers 2xx, with whatever body, once it has taken the message for delivery;
`webhook-id` tells it what it has already. 400, 409, 413 and 422 refuse this message for good, and
so does a 2xx whose JSON names an `error`; any other 4xx says that the address or the secret is
wrong, so that no message is lost to a mistake in the settings. 302 and 303 may come after the
message was taken: that is in doubt, as is an answer that breaks off.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from omni.base.clock import Clock, utc_now
from omni.base.errors import Ambiguous, CannotTell, Rejected, Transient, Unauthorized
from omni.connectors.handover.signing import signature_headers
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt
from omni.connectors.values import fields_of, text_in

_REFUSES_MESSAGE = frozenset({400, 409, 413, 422})
_LEADS_ON = frozenset({302, 303})
"""What a server answers that has taken a form, too."""


class WebhookSender:
    """`MessageSender` for the people of one platform, by a webhook of the user's own.

    Args:
        http: The way out.
        url: Where messages are handed over.
        platform: Whose people they are for.
        clock: Tells when something is signed.
    """

    def __init__(
        self, http: HttpClient, url: str, platform: str, *, clock: Clock = utc_now
    ) -> None:
        self.platform = platform
        self._http = http
        self._url = url
        self._clock = clock

    async def verify(self, sender: Credentials) -> Identity:
        """Hand over a greeting, which shows that address and secret are right.

        Raises:
            Unauthorized: The receiver does not accept it.
            Transient: The receiver did not answer well.
        """
        name = f"verify-{sender.handle}-{int(self._clock().timestamp())}"
        body = {"type": "account.verify", "account": sender.handle, "platform": self.platform}
        try:
            answer = await self._post(sender, name, body)
        except HttpRejected as error:
            raise _not_accepted(error) from error
        except Ambiguous as error:  # a greeting may come twice
            raise Transient(str(error)) from error
        if refused := _refusal_in(answer):
            raise _not_accepted(refused)
        return Identity(f"webhook:{sender.handle}", sender.handle)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return None: the receiver says what it refuses when it is handed the message."""
        return None

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Hand one message over; see `MessageSender.send`."""
        body = {
            "type": "message.send",
            "id": message.key,
            "account": sender.handle,
            "platform": self.platform,
            "to": message.platform_id,
            "username": message.username,
            "text": message.text,
        }
        try:
            answer = await self._post(sender, message.key, body)
        except HttpRejected as error:
            if error.status in _LEADS_ON:
                raise Ambiguous(f"perhaps taken: {error}, which leads elsewhere") from error
            if error.status in _REFUSES_MESSAGE:
                reason = error.reason or error.code or error
                raise Rejected(f"the receiver refuses the message: {reason}") from error
            raise _not_accepted(error) from error
        if refused := _refusal_in(answer):
            raise Rejected(f"the receiver refuses the message: {refused}")
        named = text_in(fields_of(answer), "id")
        return Receipt(named or f"webhook:{message.key}", self._clock())

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Say that a webhook has no thread to read.

        Raises:
            CannotTell: Always.
        """
        raise CannotTell(f"look at the receiver for webhook-id {message.key}: it has no thread")

    async def _post(self, sender: Credentials, name: str, body: dict[str, Any]) -> Any:
        if not sender.secret:
            raise Unauthorized(f"{sender.handle} has no secret to sign with: enter one")
        written = msgspec.json.encode(body)
        return await self._http.hand_over(
            self._url,
            written,
            headers=signature_headers(sender.secret, name, written, self._clock()),
        )


def _refusal_in(answer: object) -> str | None:
    """Return why an answer of 2xx says that nothing was taken, in our own schema; else None."""
    fields = fields_of(answer)
    named = text_in(fields, "error")
    return named and f"{named}: {text_in(fields, 'message') or 'it does not say why'}"


def _not_accepted(error: HttpRejected | str) -> Unauthorized:
    return Unauthorized(f"the receiver does not take what is handed over: {error}")
