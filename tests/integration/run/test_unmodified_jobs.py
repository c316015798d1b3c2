"""Jobs that know nothing of sfctl: what they commit is judged after it, or only seen."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import write_deltalake

from sfctl import wiring
from sfctl.commands.run import run
from sfctl.commands.status import status
from sfctl.errors import UsageError
from sfctl.evidence.port import Query
from sfctl.report.outcome import Outcome
from tests.shop_rig import Shop

PLAIN = """
import re
import sys
from pathlib import Path
import polars as pl
from deltalake import write_deltalake
table = "lake/gold/orders"
frame = lambda *rows: pl.DataFrame({"id": [r[0] for r in rows], "amount": [r[1] for r in rows],
    "contact": [None] * len(rows)},
    schema={"id": pl.Int64, "amount": pl.Float64, "contact": pl.String})
"""
GOOD = PLAIN + "write_deltalake(table, frame((1, 1.0), (2, 2.0)), mode='append')\n"
BAD = PLAIN + "write_deltalake(table, frame((3, -1.0)), mode='append')\n"
FAILS = GOOD + "sys.exit(3)\n"
NOTHING = "print('nothing was written')\n"


def started(shop: Shop, code: str, *, job: str = "daily", **more: Any) -> Outcome:
    (shop.root / "jobs" / "daily.py").write_text(code)
    return run(job, project_dir=shop.root, format="json", **more)


def row(shop: Shop) -> dict[str, Any]:
    found = status(("orders",), project_dir=shop.root).payload["datasets"]
    return dict(found[0])


def events(shop: Shop, kind: str) -> list[Any]:
    with wiring.open_bus(shop.root / ".sfctl") as bus:
        return [record.event for record in bus.query(Query(kind=kind))]


def test_what_an_unmodified_job_commits_is_judged_and_certified(shop: Shop) -> None:
    done = started(shop, GOOD)
    (write,) = done.payload["writes"]
    assert (done.exit_code, done.payload["integration_level"]) == (0, "post-commit")
    assert (write["version"], write["rows_in"], write["certification"]) == (0, 2, "CERTIFIED")
    assert (write["known_by"], write["rows_judged"]) == ("outputs", "added")
    assert shop.certified() == 0
    assert row(shop)["integration_level"] == "post-commit"
    (completed,) = events(shop, "JobRunCompleted")
    assert completed.payload["rows_written"] == 2
    assert completed.payload["versions_committed"] == 1
    expected = {(e["stage"], *e["gates"]) for e in completed.payload["expects"]}
    assert expected == {("gold", "G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ")}


def test_bad_rows_stay_and_hold_the_view_and_the_exit_code_is_the_jobs(shop: Shop) -> None:
    started(shop, GOOD)
    done = started(shop, BAD)
    (write,) = done.payload["writes"]
    assert (done.exit_code, done.payload["state"]) == (0, "COMPLETED")
    assert (write["verdict"], write["rows_failed_published"]) == ("FAIL", 1)
    assert shop.certified() == 0
    assert started(shop, NOTHING, strict_exit=True).exit_code == 0
    assert started(shop, BAD, strict_exit=True).exit_code == 1


def test_a_view_that_only_an_earlier_version_holds_is_told_with_the_way_on(shop: Shop) -> None:
    way = "    sfctl certify orders --revalidate judges the table as a whole"
    started(shop, GOOD)
    assert way not in started(shop, BAD).notes, "it would not pass"
    later = started(shop, GOOD.replace("(1, 1.0), (2, 2.0)", "(9, 1.0)"))
    assert later.notes[1:3] == ("    held: TAINTED(1)", way)
    assert way in status(("orders",), project_dir=shop.root).text.splitlines()


def test_a_job_that_failed_after_its_commit_is_told_as_both(shop: Shop) -> None:
    done = started(shop, FAILS)
    assert (done.exit_code, done.payload["state"]) == (3, "FAILED")
    assert shop.certified() == 0
    assert any("committed before it failed: orders#gold v0" in line for line in done.notes)
    (failed,) = events(shop, "JobRunFailed")
    assert [v["version"] for v in failed.payload["versions"]] == [0]


FAULT = "import sitecustomize; sitecustomize.say(KeyError('secret'))\n"


def test_a_fault_of_the_instrumented_writer_is_told_though_no_write_was_ours(shop: Shop) -> None:
    done = started(shop, FAULT + GOOD, level="in-job")
    assert (done.exit_code, done.payload["state"]) == (0, "COMPLETED")
    assert (done.payload["degraded"], done.payload["degraded_reasons"]) == (
        True, ["instrument:KeyError"],
    )  # fmt: skip
    assert [f.message for f in done.findings if f.code == "SF760"] == ["daily: instrument:KeyError"]
    assert any("degraded: instrument:KeyError" in line for line in done.notes)
    assert done.notes[-1].startswith("look next: sfctl doctor, sfctl status, sfctl evidence list")
    assert started(shop, FAULT, level="in-job", strict_exit=True).exit_code == 3


RAISES = "def load():\n    raise ValueError('bob@corp.example')\nload()\n"


def test_what_nobody_caught_is_told_where_something_of_ours_is_in_the_process(shop: Shop) -> None:
    outside = started(shop, GOOD + RAISES)
    assert (outside.exit_code, outside.payload["failure_reason"]) == (1, "EXIT_CODE:1")
    hooked = started(shop, RAISES, level="in-job")
    assert (hooked.exit_code, hooked.payload["failure_reason"]) == (1, "JOB_ERROR:ValueError:load")
    assert hooked.payload["integration_level"] == "observe", "nothing was judged"
    writes = "import sfctl as sf\nsf.write(frame((9, 9.0)), 'ds://shop/orders')\n"
    spoke = started(shop, PLAIN + writes + RAISES)
    assert (spoke.exit_code, spoke.payload["failure_reason"]) == (1, "JOB_ERROR:ValueError:load")
    failed = events(shop, "JobRunFailed")[-1]
    assert failed.payload["stack_trace"][-1]["function"] == "load"
    assert "bob" not in str(failed.payload)


def test_a_process_of_the_job_that_failed_is_not_the_job(shop: Shop) -> None:
    child = f"import subprocess\nsubprocess.run([sys.executable, '-c', {RAISES!r}])\n"
    done = started(shop, PLAIN + child, level="in-job")
    assert (done.exit_code, done.payload["failure_reason"]) == (0, None)
    done = started(shop, PLAIN + child + "sys.exit(3)\n", level="in-job")
    assert (done.exit_code, done.payload["failure_reason"]) == (3, "EXIT_CODE:3")


def test_a_job_that_ended_well_and_committed_nothing_says_so(shop: Shop) -> None:
    done = started(shop, NOTHING)
    assert done.payload["versions"] == []
    assert any("none of its outputs has a new version" in line for line in done.notes)


def test_at_level_observe_versions_are_seen_and_nothing_is_judged(shop: Shop) -> None:
    done = started(shop, GOOD, level="observe")
    assert done.payload["integration_level"] == "observe"
    assert (done.payload["writes"], done.payload["versions"][0]["judged"]) == ([], "not")
    assert re.match(r"orders#gold v0 \(\S.*\): not judged \.+ seen$", done.notes[0])
    assert shop.certified() is None
    assert events(shop, "GATE") == []
    (committed,) = events(shop, "DatasetWriteCommitted")
    assert (committed.payload["rows_written"], committed.payload["integration_level"]) == (
        2, "observe",
    )  # fmt: skip
    assert row(shop)["integration_level"] == "observe"


def test_a_command_without_declared_outputs_takes_no_commit_for_its_own(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.root)
    (shop.root / "jobs" / "daily.py").write_text(GOOD)
    done = run(
        "", name="other", passed=(sys.executable, str(shop.root / "jobs" / "daily.py")),
        project_dir=shop.root, format="json",
    )  # fmt: skip
    (seen,) = done.payload["versions"]
    assert (seen["known_by"], seen["own"]) == ("unknown", False)
    assert shop.certified() is None
    assert any("committed meanwhile by nobody the log names" in line for line in done.notes)


def test_a_version_between_those_of_sf_write_is_judged_and_the_head_certified(shop: Shop) -> None:
    mixed = GOOD + (
        "import sfctl as sf\n"
        "sf.write(frame((9, 9.0)), 'ds://shop/orders', stage='gold', mode='append')\n"
    )
    done = started(shop, mixed)
    assert [w["integration_level"] for w in done.payload["writes"]] == ["in-job", "post-commit"]
    assert [v["judged"] for v in done.payload["versions"]] == ["post-commit", "in-job"]
    assert shop.certified() == 1


DIES = (
    PLAIN
    + """
import os
import sfctl as sf
from sfctl.runtime.job.trail import Trail
def reached(self, step):
    if step == "committed":
        os._exit(0)
Trail.reached = reached
sf.write(frame((9, 9.0)), 'ds://shop/orders', stage='gold', mode='append')
"""
)


def test_a_job_that_ended_inside_a_write_is_told_so_and_the_next_write_finishes_it(
    shop: Shop,
) -> None:
    done = started(shop, DIES)
    assert (done.exit_code, done.payload["writes"]) == (0, [])
    assert [v["judged"] for v in done.payload["versions"]] == ["unfinished"]
    assert done.payload["integration_level"] == "in-job"
    assert any(line.endswith("unfinished") for line in done.notes)
    assert not any("wrote nothing through sfctl" in line for line in done.notes)
    assert shop.certified() is None
    again = started(shop, DIES.replace("Trail.reached", "Trail.other"))
    assert [v["judged"] for v in again.payload["versions"]] == ["in-job"]
    assert shop.certified() == 1


def test_rows_written_past_a_fault_of_ours_are_left_as_the_job_said(shop: Shop) -> None:
    (shop.root / "target" / "policies" / "orders.json").write_text("{}")
    code = GOOD + (
        "import sfctl as sf\n"
        "sf.write(frame((9, 9.0)), 'ds://shop/orders', stage='gold', mode='append')\n"
    )
    done = started(shop, code)
    assert done.payload["degraded"]
    assert shop.certified() is None
    assert all(v["judged"] != "post-commit" for v in done.payload["versions"])


def test_a_damaged_log_costs_the_job_nothing_and_is_told(shop: Shop) -> None:
    code = GOOD + (
        "from pathlib import Path\nPath(table, '_delta_log', f'{0:020d}.json').write_text('{')\n"
    )
    done = started(shop, code)
    assert (done.exit_code, done.payload["state"]) == (0, "COMPLETED")
    assert any(line.startswith("SF766 orders#gold") for line in done.notes)
    assert shop.certified() is None


def test_a_run_whose_supervisor_was_killed_is_judged_by_the_next(shop: Shop) -> None:
    from sfctl.runtime.supervision import lost, tables
    from sfctl.runtime.supervision.supervisor import LOCK, STARTED

    first = started(shop, NOTHING)
    folder = next((shop.root / ".sfctl" / "runs").glob(f"*{first.payload['run_id'][-8:]}/0"))
    assert (folder / tables.FILE).exists()
    (folder / "ended.json").unlink()
    (folder / STARTED).write_text('{"pid": 4194303}')
    (folder / LOCK).touch()
    assert lost.CONTEXT
    rows = pl.DataFrame({"id": [1], "amount": [1.0], "contact": [None]}).cast(
        {"contact": pl.String}
    )
    write_deltalake(shop.root / "lake" / "gold" / "orders", rows)
    second = started(shop, NOTHING)
    assert any("lost its supervisor" in line for line in second.notes)
    assert any("1 of its versions judged now" in line for line in second.notes)
    assert shop.certified() == 0


def test_levels_are_a_closed_set(shop: Shop) -> None:
    with pytest.raises(UsageError, match="no level 'deep'"):
        started(shop, NOTHING, level="deep")
    with pytest.raises(UsageError, match="instrumented writer needs the driver here"):
        run(
            "", name="x", level="in-job", project_dir=shop.root,
            passed=("spark-submit", "--deploy-mode", "cluster", "x.py"),
        )  # fmt: skip


def test_a_machine_without_java_is_named_before_spark_fails_on_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = tmp_path / "spark-submit"
    submit.write_text("#!/bin/sh\nexit 1\n")
    submit.chmod(0o755)
    home = tmp_path / "jre" / "bin"
    monkeypatch.setenv("JAVA_HOME", str(home.parent))
    said = "SF786 there is no Java for Spark; sfctl doctor says what to install"
    command = (str(submit), "x.py")
    assert said in run("", name="x", passed=command, project_dir=shop.root, format="json").notes
    home.mkdir(parents=True)
    (home / "java").symlink_to("/bin/sh")
    assert said not in run("", name="x", passed=command, project_dir=shop.root, format="json").notes
