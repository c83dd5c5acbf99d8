"""`omni judge compare` and `omni judge eval`: which judge, and how good is it?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omni.base.errors import Rejected
from omni.cli.faults import read_settings
from omni.cli.judge import open_judge
from omni.cli.judge_jobs import AsJob, Wait, recordings, run_job
from omni.cli.reading import Json
from omni.cli.render import as_table, print_json, write

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.client.client import OmniClient
    from omni.client.models import CostOut, CostsOut, EstimateOut
    from omni.flow.judging import Comparison, Contender, Pair

MAX_TASK = 20_000
NAMED = "rules, ollama, openai; ollama:MODEL; each with @FILE: another task in the prompt."


def add_commands(app: typer.Typer) -> None:
    """Add the commands that weigh judges."""
    app.command("compare", help="Ask two judges about the same people.")(compare)
    app.command("recordings", help="Show what was asked and answered for a verdict.")(recordings)
    app.command("eval", help="Hold verdicts against what people decided.")(evaluate)


def compare(
    left: Annotated[str, typer.Argument(help=NAMED)],
    right: Annotated[str, typer.Argument(help="The other one.")],
    campaign: Annotated[int, typer.Option(help="Whose candidates.")],
    sample: Annotated[int, typer.Option(min=1, max=1_000, help="How many people.")] = 20,
    seed: Annotated[str, typer.Option(help="The same one, the same people.")] = "1",
    as_job: AsJob = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Ask two judges, or one with two tasks, about the same candidates."""
    if as_job:
        _compare_as_job(left, right, campaign, sample, seed, wait=wait, as_json=as_json)
        return
    number, found, apart = asyncio.run(_compare(left, right, campaign, sample, seed))
    if as_json:
        told = [{"profile_id": pair.profile_id, "username": pair.username} for pair in apart]
        print_json({"id": number, **asdict(found), "apart": told})
        return
    write(
        f"of {found.both} judged by both: agreement {_share(found.agreement)}, kappa"
        f" {_figure(found.kappa)}, scores of the second {_figure(found.mean_shift)} higher"
    )
    as_table(
        ("judge", "verdicts", "none", "yes", "mean score", "ms", "cost"),
        [
            (side.model, str(side.verdicts), str(side.without), str(side.yes),
             _figure(side.mean_score), _figure(side.median_latency_ms),
             f"{side.cost_micros / 1e6:.6f}")
            for side in (found.left, found.right)
        ],
        empty="",
    )  # fmt: skip
    as_table(
        ("apart", "first", "second"),
        [(f"@{pair.username}", _said(pair, "left"), _said(pair, "right")) for pair in apart],
        empty="They disagree about nobody.",
    )
    if apart:
        write("Who is right? Settle it on the page of the judges; it counts as a label.")


def _compare_as_job(
    left: str, right: str, campaign: int, sample: int, seed: str, *, wait: bool, as_json: bool
) -> None:
    sides = [_side(spec) for spec in (left, right)]
    tasks = {
        name: task
        for name, (_, task) in zip(("left_task", "right_task"), sides, strict=True)
        if task
    }
    done = run_job(
        lambda client: client.compare_judges(
            campaign, left=sides[0][0], right=sides[1][0], sample=sample, seed=seed, **tasks
        ),
        wait=wait,
        as_json=as_json,
    )
    if done is not None and not as_json:
        for name, value in done.items():
            write(f"{name}: {value}")
        write("Look at it, and settle who is right, on the page of the judges.")


def _side(spec: str) -> tuple[str, str | None]:
    """Return a judge, and its task, of `NAME`, `NAME:MODEL`, each with `@FILE`."""
    named, _, file = spec.partition("@")
    return named, _task(Path(file)) if file else None


def evaluate(
    campaign: Annotated[int, typer.Option(help="Whose verdicts.")],
    svg: Annotated[Path | None, typer.Option(help="Write the picture to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Tell precision, recall and calibration on what people accepted, rejected and settled."""
    from omni.cli.reading import ask_api

    found = ask_api(lambda client: client.evaluation(campaign))
    if svg is not None:
        svg.write_text(found.svg, "utf-8")
    if as_json:
        print_json(found.model_dump(mode="json", exclude={"svg"}))
        return
    write(f"{found.labels} labels, {found.fit} of them fit; intervals of 95 %")
    for name in ("precision", "recall", "accuracy"):
        share = getattr(found, name)
        write(f"{name}: {_figure(share.value)} ({share.low:.2f} to {share.high:.2f})")
    write(f"Brier score {_figure(found.brier)}")
    write(f"expected calibration error {_figure(found.expected_calibration_error)}")
    as_table(
        ("score", "people", "mean score", "share who fit"),
        [
            (f"{each.low:.1f} to {each.high:.1f}", str(each.count), _figure(each.mean_score),
             _figure(each.fits.value))
            for each in found.reliability
            if each.count
        ],
        empty="",
    )  # fmt: skip
    for note in found.notes:
        write(f"Note: {note}")


def costs(
    campaign: Annotated[
        int | None, typer.Argument(help="The campaign's id; all calls if left out.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How far back.")] = 30,
    as_json: Json = False,
) -> None:
    """Show calls, tokens and cost by day, model and purpose, and what the next run will take."""
    from omni.cli.reading import ask_api

    if campaign is None:
        everything = ask_api(lambda client: client.all_costs(days=days))
        if as_json:
            print_json(everything.model_dump(mode="json"))
        else:
            _write_costs(everything.items)
        return

    async def ask(client: OmniClient) -> tuple[CostsOut, EstimateOut]:
        return await client.costs(campaign, days=days), await client.estimate(campaign)

    found, next_run = ask_api(ask)
    if as_json:
        told = {"next_run": next_run.model_dump(mode="json")}
        print_json({**found.model_dump(mode="json"), **told})
        return
    _write_costs(found.items)
    write(f"today: {found.calls_today:,} calls, {found.cost_today:.6f} {found.currency}".rstrip())
    cost = "no price" if next_run.cost is None else f"{next_run.cost:.6f} {next_run.currency}"
    write(
        f"next run: {next_run.calls:,} calls, about"
        f" {next_run.prompt_tokens + next_run.answer_tokens:,} tokens, {cost}"
    )
    if next_run.carried:
        write(f"{next_run.carried:,} verdicts outlive the edit of the criteria: no call for them")


def _write_costs(items: Sequence[CostOut]) -> None:
    as_table(
        ("day", "model", "for", "calls", "answered", "failed", "tokens", "cost"),
        [
            (f"{one.day}", one.model, one.purpose, f"{one.calls:,}", f"{one.answered:,}",
             f"{one.failed:,}", f"{one.prompt_tokens + one.answer_tokens:,}", f"{one.cost:.6f}")
            for one in items
        ],
        empty="No model has been called.",
    )  # fmt: skip


def read_contender(settings: Settings, spec: str) -> Contender:
    """Return a judge by its description: `NAME`, `NAME:MODEL`, each with `@FILE`.

    Raises:
        Rejected: There is no such judge, or the file cannot be read.
    """
    from omni.flow.judging import Contender

    named, task = _side(spec)
    return Contender(open_judge(settings, named), task)


def _task(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Rejected(f"{path} cannot be read: {error}") from error
    if not text.strip() or len(text) > MAX_TASK:
        raise Rejected(f"{path}: a task has 1 to {MAX_TASK} characters")
    return text


async def _compare(
    left: str, right: str, campaign: int, sample: int, seed: str
) -> tuple[int, Comparison, list[Pair]]:
    from omni.cli.world import open_database
    from omni.flow.judging import compare_on
    from omni.llm.pool import Pool
    from omni.llm.prices import read_prices

    settings = read_settings()
    sides = read_contender(settings, left), read_contender(settings, right)
    try:
        async with open_database(settings) as db:
            return await compare_on(
                db, campaign, *sides, sample=sample, seed=seed,
                prices=read_prices(settings.llm_prices), answer_tokens=settings.llm_max_tokens,
            )  # fmt: skip
    finally:
        for side in sides:
            if isinstance(side.judge, Pool):
                await side.judge.close()


def _share(share: object) -> str:
    value, low, high = (getattr(share, name) for name in ("value", "low", "high"))
    return f"{_figure(value)} ({low:.2f} to {high:.2f})"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _said(pair: Pair, side: str) -> str:
    verdict = (pair.left if side == "left" else pair.right).verdict
    return "" if verdict is None else f"{'yes' if verdict.qualified else 'no'} {verdict.score:.2f}"
