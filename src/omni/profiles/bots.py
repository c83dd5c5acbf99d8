"""Who says of themselves that they are a machine; who writes about machines does not."""

from __future__ import annotations

import re

_HINTS = ("bot", "automat", "geautomat", "🤖", "бот", "автомат", "自動", "自动", "机器人", "봇")
"""Without one of these nobody declares anything, so that most texts cost one look."""

_NOUN = r"(?:chat|ro)?bot"
_SAYS = re.compile(
    # "I am a bot", "this is a friendly bot"; a word between may be anything but a "not".
    rf"(?<!\bno )(?<!\bnão )(?<!\bnon )(?<!\bnie )"
    rf"\b(?:i am|i'm|i’m|this is|je suis|c'est|ich bin|dies ist|das ist|soy|este es|sou|este é"
    rf"|sono|questo è|ik ben|dit is|jag är|jeg er)\s+"
    rf"(?:an?\s+|ein(?:en?)?\s+|une?\s+|um\s+|uno?\s+|een\s+|en\s+|et\s+)?"
    rf"(?!(?:not|no|never|kein\w*|nicht|pas|não|non|geen|inte|ikke)\b)(?:[\w-]+\s+)?{_NOUN}\b"
    r"(?!\s+(?:builder|maker|developer|dev|hater|author|enthusiast|entwickler))"
    # "automated account", in several languages
    r"|\b(?:automated|fully automatic)\s+(?:account|profile|feed|bot)\b"
    r"|\bbot (?:account|by @|run by|made by|maintained by|operated by)\b"
    r"|\b(?:automatisierter|automatischer)\s+(?:account|bot|feed)\b"
    r"|\bautomatisiertes (?:konto|profil)\b"
    r"|\bcompte automatisé\b|\bcompte automatique\b|\bbot automatique\b"
    r"|\bcuenta automatizada\b|\bbot automático\b|\bconta automatizada\b|\brobô automático\b"
    r"|\baccount automatizzato\b|\bgeautomatiseerd account\b|\bautomatiserat konto\b"
    r"|\bkonto automatyczne\b|\bjestem botem\b|\botomatik hesap\b|\bben bir bot(?:um)?\b"
    r"|(?<!не )\bя\s+бот\b|\bэто\s+бот\b|\bавтоматический\s+(?:аккаунт|бот)"
    r"|(?:非公式|公式)?botです(?!か)|自動(?:投稿|ツイート|返信)(?:アカウント|bot|です|中)|ボットです"
    r"|机器人(?:账号|帐号|帳號)|自动(?:发布|发文)账号|봇\s?(?:입니다|계정)|자동\s?봇"
    r"|^\W*bot\b(?!\s+(?:builder|maker|developer|dev|hater|author|enthusiast|entwickler))",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:[\s_.-]|^)bot\W*$|🤖", re.IGNORECASE)


def declares_bot(bio: str, *names: str) -> bool:
    """Tell whether somebody says that they are a bot; "not a bot" and "I build bots" do not.

    Args:
        bio: Their own words.
        names: What they are called: a name that ends in the word "bot", or has 🤖, says it too.
    """
    folded = bio.lower()
    if any(hint in folded for hint in _HINTS) and _SAYS.search(bio):
        return True
    return any(("bot" in name.lower() or "🤖" in name) and _NAME.search(name) for name in names)
