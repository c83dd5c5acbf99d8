"""`omni judge` and `omni prompt`: how the judges do, and what they are asked."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from omni.base.errors import Rejected
from omni.cli.faults import read_settings
from omni.cli.judge_jobs import AsJob, Wait, run_job, write_lines
from omni.cli.reading import Json, ask_api
from omni.cli.render import as_table, print_json, write

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.flow.judging import Finding, RedTeamReport
    from omni.llm.pool import Pool
    from omni.llm.ports import Health

app = typer.Typer(help="The judges: are they well, and can they be trusted?", no_args_is_help=True)
prompt_app = typer.Typer(help="What judges are asked.", no_args_is_help=True)


@app.command()
def health(as_json: Json = False) -> None:
    """Say whether each judge's server and model are there; exit with 1 where the first is not."""
    found = asyncio.run(_look(read_settings()))
    if as_json:
        told = [
            {"model": name, "ok": seen.ok, "detail": seen.detail, "models": list(seen.models)}
            for name, seen in found
        ]
        print_json(told)
    else:
        as_table(
            ("judge", "well", "what"),
            [(name, "yes" if seen.ok else "no", seen.detail) for name, seen in found],
            empty="The model is off: set OMNI_JUDGE.",
        )
    if found and not found[0][1].ok:
        raise typer.Exit(1)


@app.command()
def pull() -> None:
    """Let Ollama fetch the model of OMNI_OLLAMA_MODEL."""
    asyncio.run(_pull(read_settings()))


@app.command()
def redteam(
    judge: Annotated[
        str | None, typer.Option(help="rules, ollama or openai; OMNI_JUDGE if left out.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Check what it answered last time; no call.")
    ] = False,
    as_job: AsJob = False,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Show a judge hostile profiles; exit with 1 where one of them does harm."""
    if as_job:
        _attack_as_job(judge, replay=replay, wait=wait, as_json=as_json)
        return
    found = asyncio.run(_attack(read_settings(), judge, replay=replay))
    if as_json:
        print_json(asdict(found))
    else:
        write(
            f"{found.model}: {found.attacks} attacks, {found.firm} times firm, {found.led} times"
            f" led astray, {found.harmful} times with harm, {found.unanswered} without an answer"
        )
        as_table(
            ("attack", "kind", "what it did", "stopped"),
            [
                (one.attack, one.kind, one.failed or "; ".join(one.faults), _stopped(one))
                for one in found.findings
                if one.faults or one.failed
            ],
            empty="It did nothing that a profile asked it to do.",
        )
    if not found.passed:
        raise typer.Exit(1)


def _attack_as_job(judge: str | None, *, replay: bool, wait: bool, as_json: bool) -> None:
    if judge is None or replay:
        raise typer.BadParameter("--job needs a --judge, and checks no recordings")
    done = run_job(lambda client: client.attack_judge(judge), wait=wait, as_json=as_json)
    if done is None:
        return
    if not as_json:
        write(", ".join(f"{name} {value}" for name, value in done.items()))
    if done.get("harmful"):
        raise typer.Exit(1)


def _stopped(finding: Finding) -> str:
    return "" if finding.failed else "yes" if finding.stopped else "NO"


async def _attack(settings: Settings, name: str | None, *, replay: bool) -> RedTeamReport:
    from omni.cli.world import open_database
    from omni.flow.judging import attack_judge, attack_recordings
    from omni.llm.prices import read_prices

    pool = open_judge(settings, name)
    try:
        async with open_database(settings) as db:
            if replay:
                return await attack_recordings(db, pool.model)
            return await attack_judge(
                db, pool, prices=read_prices(settings.llm_prices),
                answer_tokens=settings.llm_max_tokens,
            )  # fmt: skip
    finally:
        await pool.close()


def open_judge(settings: Settings, name: str | None) -> Pool:
    """Return the judge of that name, or the first of the settings.

    Raises:
        Rejected: There is none.
    """
    from omni.llm.factory import build_named
    from omni.llm.pool import Pool

    wanted = name or settings.judge
    if wanted == "off":
        raise Rejected("the model is off: name a judge", field="--judge")
    return Pool(build_named(settings, wanted))


@prompt_app.command()
def show(
    campaign: Annotated[int | None, typer.Argument(help="With this campaign's part.")] = None,
    profile: Annotated[int | None, typer.Option(help="About this person, by profile id.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a judge is asked, with its version."""
    found = ask_api(lambda client: client.prompt(campaign_id=campaign, profile_id=profile))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    write(f"version {found.version}", style="bold")
    write_lines(found.system)
    write_lines(found.user)
    if profile is not None and found.most_pictures:
        write(f"with {len(found.pictures)} pictures, {found.most_pictures} at most", style="bold")
        for sha256 in found.pictures:
            write(sha256)
    elif found.most_pictures:
        write(f"with up to {found.most_pictures} pictures of the person", style="bold")


async def _look(settings: Settings) -> list[tuple[str, Health]]:
    from omni.llm.factory import build_pools

    pools = build_pools(settings)
    try:
        return [(pool.model, await pool.health()) for pool in pools]
    finally:
        for pool in pools:
            await pool.close()


async def _pull(settings: Settings) -> None:
    from omni.llm.factory import build_judge
    from omni.llm.ollama import OllamaJudge

    judge = build_judge(settings, "ollama")
    if not isinstance(judge, OllamaJudge):
        raise Rejected("only Ollama fetches models", field="OMNI_JUDGE")
    told = ""

    def report(what: str, done: int | None, total: int | None) -> None:
        nonlocal told
        share = f" {100 * done // total} %" if done is not None and total else ""
        if (line := what + share) != told:
            told = line
            write(line)

    try:
        await judge.pull(report)
    finally:
        await judge.close()
    write(f"{settings.ollama_model} is there")
