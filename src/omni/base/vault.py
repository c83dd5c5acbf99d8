"""Secrets at rest: encrypted with Fernet (AES-128-CBC and HMAC-SHA256), keys kept outside Postgres.

The key is `OMNI_SECRET_KEY`, or a file in the data folder that only its owner can read. Several
keys, separated by commas, rotate: the first encrypts, every one of them decrypts.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from omni.base.errors import Rejected

KEY_FILE = "secret.key"
_MAKE_ONE = (
    'make one with: python -c "from cryptography.fernet import Fernet; '
    'print(Fernet.generate_key().decode())"'
)


class Vault:
    """Encrypts and decrypts small secrets; never shows a key.

    Args:
        key: One Fernet key (32 bytes in URL-safe base64), or several separated by commas.

    Raises:
        Rejected: There is no key, or one of them is not a Fernet key.
    """

    def __init__(self, key: str) -> None:
        keys = [part.strip() for part in key.split(",") if part.strip()]
        if not keys:
            raise Rejected(f"the secret key is empty: {_MAKE_ONE}", field="secret_key")
        try:
            self._fernet = MultiFernet([Fernet(part) for part in keys])
        except ValueError:
            # The cause is dropped: it may quote a part of the key.
            raise Rejected(
                f"the secret key is not a Fernet key: {_MAKE_ONE}", field="secret_key"
            ) from None
        self._count = len(keys)

    def __repr__(self) -> str:
        return f"Vault({self._count} {'key' if self._count == 1 else 'keys'})"

    def encrypt(self, secret: bytes) -> bytes:
        """Return `secret` encrypted with the first key."""
        return self._fernet.encrypt(secret)

    def decrypt(self, token: bytes) -> bytes:
        """Return what was encrypted with any of the keys.

        Raises:
            Rejected: No key fits, or the bytes were altered.
        """
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise Rejected(_CANNOT_DECRYPT, field="secret_key") from None

    def renew(self, token: bytes) -> bytes:
        """Return the same secret, encrypted anew with the first key: after this an old key may go.

        Raises:
            Rejected: No key fits, or the bytes were altered.
        """
        try:
            return self._fernet.rotate(token)
        except InvalidToken:
            raise Rejected(_CANNOT_DECRYPT, field="secret_key") from None


_CANNOT_DECRYPT = (
    "a stored secret cannot be decrypted: it was encrypted with another key. Put the old key back, "
    "after the new one and a comma, or enter the secret again"
)


def open_vault(secret_key: str | None, data_dir: Path) -> Vault:
    """Return the vault of the given key, or of the key file in `data_dir`, made on first use.

    Raises:
        Rejected: The key is not usable, or others can read the key file.
    """
    return Vault(secret_key or _key_in(data_dir / KEY_FILE))


def _key_in(path: Path) -> str:
    if not path.exists():
        _make_key_file(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Rejected(f"{path} can be read by others: run chmod 600 {path}", field="secret_key")
    return path.read_text("ascii", "replace")


def _make_key_file(path: Path) -> None:
    """Write a new key where none is; of several processes at once, one wins and all read it.

    The file is written under another name and then linked, so that nobody ever reads a half of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
