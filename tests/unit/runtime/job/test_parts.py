"""The parts of a run that need no process: counters, commits, commands, journals, lost runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sfctl import wiring
from sfctl.clock import SystemClock
from sfctl.errors import UsageError
from sfctl.model.manifest import JobEntry, Manifest, TargetEntry
from sfctl.model.run import RunContext
from sfctl.runtime.job import lifecycle, uncaught
from sfctl.runtime.job.active import open_sink
from sfctl.runtime.job.code_ref import code_ref
from sfctl.runtime.job.failopen import Overdue, within
from sfctl.runtime.job.journal import Journal, begin
from sfctl.runtime.supervision import lost, memory_kill
from sfctl.runtime.supervision.command import command_of, job_named
from sfctl.runtime.supervision.supervisor import LOCK, STARTED, Ended
from tests.shop_rig import Shop


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("0::/job", "job/memory.events"),
        ("0::/elsewhere", "memory.events"),
        ("4:cpu,memory:/job", "memory/job/memory.oom_control"),
    ],
)
def test_memory_kills_are_told_from_the_kernels_counters(
    tmp_path: Path, line: str, place: str
) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(f"1:name=systemd:/x\n{line}\n")
    (proc / "vmstat").write_text("nr_free_pages 5\noom_kill 7\n")
    counter = groups / place
    counter.parent.mkdir(parents=True)
    counter.write_text("low 0\noom_kill 2\n")
    before = memory_kill.count(proc, groups)
    assert (before.group, before.machine) == (2, 7)
    assert memory_kill.count(proc, groups).since(before) == ""
    (proc / "vmstat").write_text("oom_kill 8\n")
    assert memory_kill.count(proc, groups).since(before) == "machine"
    counter.write_text("oom_kill 3\n")
    assert memory_kill.count(proc, groups).since(before) == "cgroup"


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    nothing = memory_kill.count(tmp_path / "no", tmp_path / "no")
    assert nothing.since(nothing) == ""


def test_why_a_process_ended() -> None:
    assert Ended(0, "", 1, 1, 1).reason == ""
    assert Ended(3, "", 1, 1, 1).reason == "EXIT_CODE:3"
    assert Ended(137, "SIGKILL", 1, 1, 1).reason == "KILLED:SIGKILL"
    assert Ended(137, "SIGKILL", 1, 1, 1, "cgroup").reason == "OUT_OF_MEMORY"


def test_the_commit_is_read_without_git(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    assert code_ref(tmp_path / "no") == ""
    (git / "HEAD").write_text("0123456789abcdef\n")
    assert code_ref(tmp_path) == "0123456789abcdef"
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert code_ref(tmp_path) == ""
    (git / "packed-refs").write_text("# pack\nfeed refs/heads/main\n")
    assert code_ref(tmp_path / "deeper") == "feed"
    (git / "refs" / "heads" / "main").write_text("beef\n")
    assert code_ref(tmp_path) == "beef"
    tree = tmp_path / "tree"
    tree.mkdir()
    own = git / "worktrees" / "tree"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    (own / "commondir").write_text("../..\n")
    (tree / ".git").write_text(f"gitdir: {own}\n")
    assert code_ref(tree) == "beef"


def test_what_starts_a_job() -> None:
    script = JobEntry("daily", entrypoint="jobs/daily.py", args=("--day", "{date}"))
    assert command_of(script, "2026-01-31", ["x"])[1:] == [
        "jobs/daily.py", "--day", "2026-01-31", "x",
    ]  # fmt: skip
    called = JobEntry("daily", entrypoint="jobs.daily:main")
    assert command_of(called, "")[1:] == [
        "-c", "import sys; from jobs.daily import main; sys.exit(main())",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"takes \{date\}"):
        command_of(script, "")
    on_spark = JobEntry("s", runtime="spark", entrypoint="s.py", args=("{date}",), submit=("-v",))
    command = command_of(on_spark, "2026-01-31", ["--verbose"])
    assert Path(command[0]).name == "spark-submit"
    assert command[1:] == ["-v", "s.py", "2026-01-31", "--verbose"]
    with pytest.raises(UsageError, match="takes a script"):
        command_of(JobEntry("s", runtime="spark", entrypoint="jobs.s:main"), "")
    with pytest.raises(UsageError, match="takes a script") as caught:
        command_of(JobEntry("s", runtime="spark", entrypoint="jobs/s.sql"), "")
    assert caught.value.hint == "sfctl run --name s -- spark-sql -f jobs/s.sql"
    manifest = Manifest("p", TargetEntry("dev", "dev", "/lake"), jobs={"daily": script})
    assert job_named(manifest, "daily") is script
    with pytest.raises(UsageError) as caught:
        job_named(manifest, "dialy")
    assert caught.value.hint == "did you mean `daily`?"
    with pytest.raises(UsageError) as caught:
        job_named(manifest, "zzz")
    assert caught.value.hint.startswith("jobs: daily; jobs/")


def test_a_journal_skips_what_is_damaged(tmp_path: Path) -> None:
    journal = begin(tmp_path, "run/1")
    again = begin(tmp_path, "run/1")
    assert journal.folder != again.folder
    journal.note("write", {"n": 1})
    (journal.folder / "journal-1.jsonl").write_text('{"kind": "write", "value": {"n": 2}}\n{"ki')
    assert sorted(each["n"] for each in journal.entries("write")) == [1, 2]
    assert [journal.claim("a b"), journal.claim("a b"), journal.claim("c")] == [0, 1, 0]


def test_work_has_a_limit() -> None:
    assert within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)
    with pytest.raises(Overdue):
        within(0.01, lambda: __import__("time").sleep(0.2))


def test_a_context_takes_what_the_environment_says(tmp_path: Path) -> None:
    clock = SystemClock()
    given = {"SFCTL_RUN_ID": "r", "SFCTL_ATTEMPT": "2", "SFCTL_LOGICAL_DATE": "2026-01-31"}
    run = lifecycle.context(tmp_path / "s", "daily", clock, environ=given)
    assert (run.run_id, run.attempt, run.job) == ("r", 2, "daily")
    airflow = {"AIRFLOW_CTX_TRY_NUMBER": "3", "AIRFLOW_CTX_DAG_RUN_ID": "d"}
    run = lifecycle.context(tmp_path / "s", "daily", clock, date="2026-01-31", environ=airflow)
    assert (run.attempt, run.dag_run_id) == (3, "d")
    first = lifecycle.context(tmp_path / "s", "daily", clock, date="2026-02-01", environ={})
    second = lifecycle.context(tmp_path / "s", "daily", clock, date="2026-02-01", environ={})
    rerun = lifecycle.context(
        tmp_path / "s", "daily", clock, date="2026-02-01", rerun=1, environ={}
    )
    assert (first.attempt, second.attempt, rerun.attempt) == (0, 1, 0)
    assert len({first.run_id, second.run_id, rerun.run_id}) == 3
    named = lifecycle.variables(first)
    assert lifecycle.context(tmp_path / "s", "", clock, environ=named).run_id == first.run_id


FAILED = {"failed": True, "failure_reason": "JOB_ERROR:KeyError"}


@pytest.mark.parametrize(
    ("notes", "kind", "reason"),
    [
        ([("end", {"failed": False})], "JobRunCompleted", None),
        ([("end", FAILED)], "JobRunFailed", "JOB_ERROR:KeyError"),
        ([(uncaught.KIND, FAILED)], "JobRunFailed", "JOB_ERROR:KeyError"),
        ([("end", {"failed": False}), (uncaught.KIND, FAILED)], "JobRunCompleted", None),
        ([], "JobRunFailed", "SUPERVISOR_LOST"),
    ],
)  # fmt: skip
def test_a_run_that_lost_its_supervisor_is_told_once(
    shop: Shop, notes: list[tuple[str, object]], kind: str, reason: str | None
) -> None:
    store = wiring.store_folder(shop.root)
    journal: Journal = begin(store, "lost")
    lost.remember(journal.folder, RunContext("lost", "daily"))
    (journal.folder / LOCK).touch()
    (journal.folder / STARTED).write_text(json.dumps({"pid": 2**22 + 1}))
    for each in notes:
        journal.note(*each)
    sink, _ = open_sink(store, "now")
    assert [each.run.run_id for each in lost.report(store, sink, SystemClock())] == ["lost"]
    assert lost.report(store, sink, SystemClock()) == []
    (event,) = shop.outbox()
    assert (event["kind"], event.get("failure_reason")) == (kind, reason)


def test_an_adapter_that_is_not_here_is_named(tmp_path: Path) -> None:
    for opened in (wiring.open_bus, wiring.open_state):
        opens: Callable[..., object] = opened
        with pytest.raises(UsageError, match="kafka"):
            opens(tmp_path, {"type": "kafka"})
    assert wiring.open_bus(tmp_path, {"path": str(tmp_path / "x.db")}).path == tmp_path / "x.db"
