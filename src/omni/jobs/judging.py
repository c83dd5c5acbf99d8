"""Jobs that look at the judges themselves."""

from __future__ import annotations

from omni.jobs.bases import JobArgs


class CompareJudges(JobArgs, frozen=True):
    """Ask two judges about the same candidates of a campaign, on its budget.

    Attributes:
        left: A judge, as `omni.llm.types.read_judge` reads it.
        right: The other one.
        sample: How many people.
        seed: The same one, the same people.
        left_task: Takes the place of the prompt's first part for that judge; empty: as it is.
        right_task: The same for the other one.
    """

    kind = "judge.compare"
    timeout_s = 7_200.0
    max_attempts = 3

    campaign_id: int
    left: str
    right: str
    sample: int = 20
    seed: str = "1"
    left_task: str = ""
    right_task: str = ""


class AttackJudge(JobArgs, frozen=True):
    """Show a judge hostile profiles.

    Attributes:
        judge: As `omni.llm.types.read_judge` reads it.
    """

    kind = "judge.redteam"
    timeout_s = 3_600.0
    max_attempts = 3

    judge: str
