"""Secrets survive the vault, keys never leave it."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from omni.base.errors import Rejected
from omni.base.vault import KEY_FILE, Vault, open_vault


def _key() -> str:
    return Fernet.generate_key().decode()


def test_what_is_encrypted_can_be_decrypted_and_does_not_contain_the_secret() -> None:
    vault = Vault(_key())
    token = vault.encrypt(b"app-password")
    assert b"app-password" not in token
    assert vault.decrypt(token) == b"app-password"


def test_rotation_reads_old_secrets_and_renews_them() -> None:
    old, new = _key(), _key()
    token = Vault(old).encrypt(b"secret")
    both = Vault(f"{new}, {old}")
    assert both.decrypt(token) == b"secret"
    assert Vault(new).decrypt(both.renew(token)) == b"secret"


@pytest.mark.parametrize("change", [b"", b"garbage", None])
def test_a_secret_that_no_key_fits_is_one_clear_error(change: bytes | None) -> None:
    token = Vault(_key()).encrypt(b"secret") if change is None else change
    vault = Vault(_key())
    for act in (vault.decrypt, vault.renew):
        with pytest.raises(Rejected, match="another key") as caught:
            act(token)
        assert caught.value.field == "secret_key"


@pytest.mark.parametrize("key", ["", " , ", "short", "not a key at all, really not"])
def test_a_bad_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(Rejected, match="Fernet") as caught:
        Vault(key)
    assert caught.value.field == "secret_key"
    assert "really" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_vault_never_shows_its_keys() -> None:
    key = _key()
    assert repr(Vault(f"{key},{_key()}")) == "Vault(2 keys)"
    assert key not in repr(Vault(key))


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    token = open_vault(None, folder).encrypt(b"secret")
    assert open_vault(None, folder).decrypt(token) == b"secret"
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [p.name for p in folder.iterdir()] == [KEY_FILE]


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        vaults = list(pool.map(open_vault, [None] * 64, [tmp_path] * 64))
    token = vaults[0].encrypt(b"secret")
    assert all(vault.decrypt(token) == b"secret" for vault in vaults)
    assert os.listdir(tmp_path) == [KEY_FILE]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    open_vault(None, tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(Rejected, match="chmod 600"):
        open_vault(None, tmp_path)


def test_a_given_key_needs_no_file(tmp_path: Path) -> None:
    open_vault(_key(), tmp_path / "none")
    assert not (tmp_path / "none").exists()
