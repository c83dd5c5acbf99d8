"""Whether and how a synthetic person answers: decided by who they are, what was written, and seed.

Out of 100 people about 5 ask not to be written to, 8 have an automatic reply, 20 stay silent
(all the bots do), and the others are interested or not. How likely they are interested follows
from what can be seen of them, so that there is something to learn:

    odds = -2.2 + 1.8·active + 1.3·engaged - 1.2·famous + 1.0·reachable + 1.8·topical

`active` is 1 for those who post weekly or more, 0.4 for monthly; `engaged` is 1 where posts get
likes from more than 3 % of the followers; `famous` is 1 above 5,000 followers; `reachable` is 1
for people with a link of their own; `topical` is 1 where the message has a word of the person's
topic or bio that is longer than four letters. The probability is the logistic of the odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

from omni.connectors.synthetic.dice import Dice
from omni.connectors.synthetic.lexicon import lexicon, tokens
from omni.connectors.synthetic.world import Person

Mood = Literal["interested", "not_interested", "out_of_office", "opt_out"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answers, and how patiently: the delay is `pace` times the network's."""

    mood: Mood
    text: str
    pace: float


def reply_of(person: Person, message: str, seed: int) -> Reply | None:
    """Return the person's answer to a message, None if they stay silent."""
    dice = Dice(seed, "reply", person.number)
    mood = _mood(dice, person, message)
    if person.is_bot or mood is None:
        return None
    text = dice.pick(lexicon().replies[mood][person.language])
    return Reply(mood, text, 0.1 if mood == "out_of_office" else dice.between(0.5, 1.5))


def _mood(dice: Dice, person: Person, message: str) -> Mood | None:
    kind, taste = dice.unit(), dice.unit()
    if kind < 0.05:
        return "opt_out"
    if kind < 0.13:
        return "out_of_office"
    if kind < 0.33:
        return None
    return "interested" if taste < _likelihood(person, message) else "not_interested"


def _likelihood(person: Person, message: str) -> float:
    topic = lexicon().topics[person.topic]
    known = tokens(" ".join((person.topic, topic.tag, *topic.words(person.language), person.bio)))
    topical = any(len(word) > 4 for word in known & tokens(message))
    days = person.days_between_posts
    active = 0.0 if days is None or days > 60 else 1.0 if days <= 7 else 0.4
    odds = (
        -2.2
        + 1.8 * active
        + 1.3 * (person.charm > 0.03)
        - 1.2 * (person.followers > 5_000)
        + 1.0 * bool(person.links)
        + 1.8 * topical
    )
    return 1 / (1 + exp(-odds))
