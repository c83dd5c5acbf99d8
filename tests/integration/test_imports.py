"""Files of people through the API and the step that takes them in, on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from omni.api.app import create_api
from omni.base.errors import Rejected, Transient
from omni.client.client import ApiProblem, OmniClient
from omni.flow import importing
from omni.flow.importing import import_profiles, open_desk
from omni.flow.sweeping import PAGES_KEPT
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.imports import store as imports
from omni.jobs.types import ImportProfiles, Progress, SweepStorage
from omni.storage.pages import Pages
from omni.storage.sql import Query
from tests.api_fixtures import CAMPAIGN, deps, problem, serving
from tests.flow_fixtures import run_step, running_world


@dataclass(frozen=True, slots=True)
class Bench:
    """An API that takes files, and the world of the step."""

    world: World
    client: OmniClient
    http: httpx.AsyncClient

    async def upload(self, content: str | bytes, name: str = "people.csv", **options: Any) -> Any:
        data = content.encode() if isinstance(content, str) else content
        return await self.client.upload_import(name, BytesIO(data), **options)

    async def run(self, import_id: int) -> StepResult:
        """Start an import, and run its step as a worker would."""
        accepted = await self.client.start_import(import_id)
        return await self.step(import_id, accepted.job_id, accepted.campaign_id)

    async def step(
        self, import_id: int, job_id: UUID, campaign_id: int | None = None
    ) -> StepResult:
        told: list[Progress] = []
        job = JobContext(job_id, campaign_id, 1, told.append)
        return await import_profiles(
            self.world, job, ImportProfiles(import_id=import_id, campaign_id=campaign_id)
        )

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.world.db.fetch(Query("rows", sql))]

    async def errors(self, import_id: int) -> list[str]:
        pieces = [piece async for piece in self.client.import_errors(import_id)]
        return b"".join(pieces).decode("utf-8-sig").splitlines()


@pytest.fixture
async def bench(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncGenerator[Bench]:
    async with running_bench(tmp_path, database_url, valkey_url) as made:
        yield made


@asynccontextmanager
async def running_bench(
    folder: Path, database_url: str, valkey_url: str, *, max_bytes: int = 10_000_000
) -> AsyncGenerator[Bench]:
    async with running_world(folder, database_url, valkey_url) as world:
        api = replace(deps(world.db), files=open_desk(world), max_upload_bytes=max_bytes)
        async with (
            serving(create_api(api)) as url,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http,
            OmniClient(url) as client,
        ):
            yield Bench(world, client, http)


def people(count: int, bio: str = "We climb and write.") -> str:
    return "id,name,bio,followers\n" + "".join(
        f"p{n},Person {n},{bio},{n * 10}\n" for n in range(count)
    )


async def test_a_file_is_previewed_mapped_taken_in_and_again_nothing_happens(bench: Bench) -> None:
    draft = await bench.upload(people(1_200) + "p1,Double,,\n,Nobody,,\np9000,X,,many\n")
    assert (draft.state, draft.format, draft.rows_about) == ("draft", "csv", 1_203)
    assert draft.columns == {
        "id": "platform_id", "name": "display_name", "bio": "bio", "followers": "followers",
    }  # fmt: skip
    assert len(draft.preview) == 20
    assert draft.preview[0].person["display_name"] == "Person 0"
    changed = await bench.client.change_import(draft.id, columns=draft.columns | {"bio": "extra"})
    assert changed.preview[0].person is not None
    assert changed.preview[0].person["bio"] is None
    await bench.client.change_import(draft.id, columns=draft.columns)
    result = (await bench.run(draft.id)).result
    assert result == {
        "rows": 1_203, "profiles": 1_201, "new": 1_201, "changed": 0, "unchanged": 0,
        "left_alone": 0, "skipped": 2, "problems": 3,
    }  # fmt: skip
    lines = await bench.errors(draft.id)
    assert len(lines) == 4
    assert lines[1].startswith("1202,")
    assert "many" in lines[3]
    done = await bench.client.get_import(draft.id)
    assert (done.state, done.counts.added) == ("succeeded", 1_201)
    before = await bench.rows("select profile_id, xmin::text from profile_features order by 1")
    again = await bench.upload(people(1_200))
    assert (await bench.run(again.id)).result["unchanged"] == 1_200
    after = await bench.rows("select profile_id, xmin::text from profile_features order by 1")
    assert after == before
    with pytest.raises(ApiProblem, match="started"):
        await bench.client.start_import(again.id)
    with pytest.raises(ApiProblem, match="started"):
        await bench.client.change_import(again.id, platform="crm")


async def test_a_run_that_dies_is_gone_on_with_at_its_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await bench.upload(people(1_300).replace("p700,", "p3,").replace("p20,", ","))
    accepted = await bench.client.start_import(draft.id)
    write = importing.intake.write
    calls = 0

    async def dying(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            # The batch is rolled back as a killed process leaves it: people, place and problems.
            also = options["also"]

            async def broken(tx: Any, stored: Any) -> None:
                await also(tx, stored)
                raise Transient("killed")

            options["also"] = broken
        return await write(*args, **options)

    monkeypatch.setattr(importing.intake, "write", dying)
    with pytest.raises(Transient):
        await bench.step(draft.id, accepted.job_id)
    assert (await imports.get(bench.world.db, draft.id)).counts.rows == 500
    result = (await bench.step(draft.id, accepted.job_id)).result
    assert (result["rows"], result["new"], result["unchanged"]) == (1_300, 1_298, 0)
    lines = await bench.errors(draft.id)
    assert [line.split(",")[0] for line in lines[1:]] == ["22", "702"]
    # A third run of the job has nothing left to do.
    assert (await bench.step(draft.id, accepted.job_id)).result == result


async def test_two_runs_at_once_count_no_row_twice(bench: Bench) -> None:
    draft = await bench.upload(people(1_500))
    accepted = await bench.client.start_import(draft.id)
    ended = await asyncio.gather(
        *(bench.step(draft.id, accepted.job_id) for _ in range(2)), return_exceptions=True
    )
    assert all(isinstance(each, StepResult | Transient) for each in ended)
    result = (await bench.step(draft.id, accepted.job_id)).result
    assert (result["rows"], result["new"], result["unchanged"]) == (1_500, 1_500, 0)


async def test_people_whom_their_platform_tells_of_are_left_alone_and_discovered(
    bench: Bench,
) -> None:
    campaign_id = (await bench.client.create_campaign(**CAMPAIGN)).id
    rows = "did,handle,name\n" + "".join(f"did:plc:{n:024},u{n}.example,N\n" for n in range(5))
    first = await bench.upload(rows)
    assert first.platform == "bluesky"
    assert (await bench.run(first.id)).result["new"] == 5
    other = await bench.upload(rows.replace(",N", ",Another name"), campaign_id=campaign_id)
    result = (await bench.run(other.id)).result
    assert (result["left_alone"], result["changed"]) == (5, 0)
    names = await bench.rows("select distinct display_name, platform from profile_features")
    assert names == [{"display_name": "N", "platform": "bluesky"}]
    found = await bench.rows("select count(*) as n from discoveries")
    assert found == [{"n": 5}]


async def test_uploads_are_bounded_idempotent_and_say_what_is_wrong(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    async with running_bench(tmp_path, database_url, valkey_url, max_bytes=5_000) as bench:
        once = await bench.upload(people(3), idempotency_key="k1")
        assert (await bench.upload(people(3), idempotency_key="k1")).id == once.id
        form = {"file": ("../../etc/x.csv", b"id,name\n" + b"1,a\n" * 5_000)}
        problem(await bench.http.post("/imports", files=form), 413)
        problem(await bench.http.post("/imports", files={"other": b"x"}), 422)
        problem(await bench.http.post("/imports", files={"file": ("x.csv", b"")}), 422)
        broken = {"content-type": "multipart/form-data; boundary=b"}
        cut = b"--b\r\ncontent-disposition: form-data; name=file\r\n"
        for body in (b"--b\r\nnonsense", b"", cut):
            problem(await bench.http.post("/imports", content=body, headers=broken), 422)
        problem(await bench.http.post("/imports", json={"path": "/etc/passwd"}), 422)
        problem(await bench.http.post("/campaigns", files={"file": b"x"}), 415)
        named = {"file": ("../../etc/x.csv", b"id,name\n1,a\n")}
        kept = (await bench.http.post("/imports", files=named)).json()
        assert kept["name"] == "x.csv"
        folder = tmp_path / "imports"
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            {once.sha256, kept["sha256"]}
        )
        await bench.client.delete_import(once.id)
        assert [path.name for path in folder.iterdir()] == [kept["sha256"]]


async def test_a_draft_can_be_read_in_another_way_and_needs_an_identity(bench: Bench) -> None:
    draft = await bench.upload("1;A\n2;B\n")
    changed = await bench.client.change_import(draft.id, header=False)
    assert changed.all_columns == ["column 1", "column 2"]
    with pytest.raises(ApiProblem, match="who a person is"):
        await bench.client.start_import(draft.id)
    with pytest.raises(ApiProblem, match="no column"):
        await bench.client.change_import(draft.id, columns={"nope": "bio"})
    await bench.client.change_import(
        draft.id, columns={"column 1": "platform_id", "column 2": "display_name"}
    )
    assert (await bench.run(draft.id)).result["new"] == 2


async def test_what_a_draft_is_for_can_be_given_and_taken_away(bench: Bench) -> None:
    campaign_id = (await bench.client.create_campaign(**CAMPAIGN)).id
    draft = await bench.upload(people(3), platform="crm", campaign_id=campaign_id)
    assert (draft.platform, draft.campaign_id) == ("crm", campaign_id)
    cleared = await bench.client.change_import(draft.id, clear=["platform", "campaign_id"])
    assert (cleared.platform, cleared.campaign_id) == (None, None)
    assert cleared.columns == draft.columns
    again = await bench.client.change_import(draft.id, campaign_id=campaign_id, platform="x")
    assert (again.platform, again.campaign_id) == ("x", campaign_id)
    with pytest.raises(ApiProblem, match="campaign"):
        await bench.client.change_import(draft.id, campaign_id=campaign_id + 1)
    with pytest.raises(ApiProblem, match="lower-case"):
        await bench.upload(people(3), platform="Twitter!")
    accepted = await bench.client.start_import(draft.id)
    assert accepted.campaign_id == campaign_id
    assert (await bench.client.preview_import(draft.id)).state == "queued"
    with pytest.raises(ApiProblem, match="under way"):
        await bench.client.delete_import(draft.id)
    await bench.step(draft.id, accepted.job_id, campaign_id)
    assert (await bench.client.preview_import(draft.id)).state == "succeeded"
    await bench.client.delete_import(draft.id)
    for call in (bench.client.get_import, bench.client.delete_import, bench.client.start_import):
        with pytest.raises(ApiProblem, match="no import"):
            await call(draft.id)
    assert await bench.rows("select count(*) as n from profiles_raw") == [{"n": 3}]


@pytest.mark.parametrize(
    "encoding", ["nonsense", "hex", "rot13", "idna", "undefined", "base64", "zlib_codec"]
)
async def test_what_is_no_encoding_is_refused(bench: Bench, encoding: str) -> None:
    draft = await bench.upload(people(3))
    with pytest.raises(ApiProblem, match="encoding"):
        await bench.client.change_import(draft.id, encoding=encoding)
    assert (await bench.client.change_import(draft.id, encoding="cp1250")).encoding == "cp1250"


async def test_a_file_that_is_gone_is_said_to_be(bench: Bench) -> None:
    draft = await bench.upload(people(3))
    accepted = await bench.client.start_import(draft.id)
    open_desk(bench.world).remove(draft.sha256)
    with pytest.raises(Rejected, match="upload it again"):
        await bench.step(draft.id, accepted.job_id)


async def test_old_imports_go_however_they_ended_and_nobodys_files_too(
    bench: Bench, tmp_path: Path
) -> None:
    drafts = [await bench.upload(people(n)) for n in range(1, 6)]
    _, failed, cancelled, queued, young = drafts
    jobs = {each.id: await bench.client.start_import(each.id) for each in drafts[1:]}
    await bench.client.cancel_job(jobs[cancelled.id].job_id)
    end = Query("end", "update jobs set state = 'failed', finished_at = now() where id = :id")
    await bench.world.db.execute(end, id=jobs[failed.id].job_id)
    later = bench.world.clock() + timedelta(days=bench.world.settings.jobs_kept_days, hours=1)
    age = Query("age", "update imports set created_at = :at where id = :id")
    await bench.world.db.execute(age, id=young.id, at=later)
    folder = tmp_path / "imports"
    (folder / "broken.part").write_text("id,na")
    (folder / ("0" * 64)).write_text("nobody's")
    result = (await run_step(replace(bench.world, clock=lambda: later), SweepStorage())).result
    assert result == {"imports": 3, "files": 2, "pages": 0}
    kept = {queued.sha256, young.sha256}
    assert {path.name for path in folder.iterdir()} == kept
    left = await bench.client.list_imports()
    assert {each.id for each in left.items} == {queued.id, young.id}
    (folder / "fresh.part").write_text("under way")
    assert (await run_step(bench.world, SweepStorage())).result["files"] == 0


async def test_pages_that_nobody_asks_for_are_forgotten_stretch_by_stretch(bench: Bench) -> None:
    now, db = bench.world.clock(), bench.world.db
    for number in range(10):
        pages = Pages(db, lambda n=number: now - timedelta(days=365 * (n % 2)))
        await pages.keep(f"https://a.example/{number}", etag="e", last_modified=None, reading={})
    assert await Pages(db, bench.world.clock).forget(before=now - PAGES_KEPT, size=3) == 5
    left = await bench.rows("select url from web_pages order by url")
    assert [row["url"][-1] for row in left] == ["0", "2", "4", "6", "8"]
    assert (await run_step(bench.world, SweepStorage())).result["pages"] == 0
