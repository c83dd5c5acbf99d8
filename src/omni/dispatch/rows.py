"""Accounts and messages, made of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omni.dispatch.types import Account, Message


def account_from(row: Mapping[str, Any]) -> Account:
    """Make an account of its row."""
    return Account(**{name: row[name] for name in Account.__slots__})


def message_from(row: Mapping[str, Any]) -> Message:
    """Make a message of its row."""
    return Message(**{name: row[name] for name in Message.__slots__})
