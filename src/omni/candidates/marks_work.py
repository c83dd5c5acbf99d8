"""Marks on candidates: who has been judged on the view that is shown now.

A mark must never stand on a view that was not judged. A marker writes it only where the view is, in
the snapshot of its statement, the one that was judged. A view that changes after that snapshot has
a maintenance job of its own, which reopens the pair. Both hold the lane of the profile, taken in a
statement before, so that of the two the later one sees what the earlier one wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from omni.candidates.differences import Changes, lanes_of, marks_of
from omni.candidates.store import QUERIES
from omni.storage.db import Database

IDS_PER_STATEMENT = 1_000


async def mark_judged(
    db: Database, campaign_id: int, epoch: int, settled: Mapping[int, str], *, model: str = ""
) -> int:
    """Mark candidates of a campaign with an epoch, given the view on which each is settled.

    Args:
        db: The database.
        campaign_id: Whose candidates they are.
        epoch: The mark.
        settled: What each was shown as.
        model: Of the epoch's key: its name says whether pictures belong to what is shown.

    Returns:
        How many are marked now that were not: not those whose view is another by now.
    """
    marked = 0
    for ids in _parts(sorted(settled)):
        async with db.transaction() as tx:
            await tx.execute(QUERIES["lock_lanes"], lanes=lanes_of(ids))
            marked += await tx.execute(
                QUERIES["mark_judged"],
                campaign_id=campaign_id,
                epoch=epoch,
                ids=ids,
                view_hashes=[settled[each] for each in ids],
                model=model,
            )
    return marked


async def reopen(db: Database, profile_ids: Sequence[int], changes: Changes | None) -> int:
    """Take the marks off those of these people who show a judge something else than before.

    Args:
        changes: What changed of them, as sets of `MARKS`; None: it may be anything.

    Returns:
        How many pairs are open now that were not.
    """
    view = marks_of(["view_hash"])
    ids = sorted({i for i in profile_ids if changes is None or changes.get(i, view) & view})
    reopened = 0
    for part in _parts(ids):
        async with db.transaction() as tx:
            await tx.execute(QUERIES["lock_lanes"], lanes=lanes_of(part))
            reopened += await tx.execute(QUERIES["reopen_pairs"], ids=part)
    return reopened


def _parts(ids: Sequence[int]) -> Iterable[list[int]]:
    return (
        [*ids[start : start + IDS_PER_STATEMENT]] for start in range(0, len(ids), IDS_PER_STATEMENT)
    )
