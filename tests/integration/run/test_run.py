"""`sfctl run` on real processes: streams, arguments, signals and codes are the job's own."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sfctl import wiring
from sfctl.evidence.port import Query
from tests.shop_rig import Shop

WRITE = """
import os, sys, polars as pl, sfctl as sf
@sf.job("daily")
def main():
    start = int(os.environ.get("START", "1"))
    amounts = [1.0, float(os.environ.get("AMOUNT", "2"))]
    rows = {"id": [start, start + 1], "amount": amounts, "contact": ["a@b.org", None]}
    sf.write(pl.DataFrame(rows), "ds://shop/orders", stage="gold")
    print("job says", *sys.argv[1:])
main()
"""


def sfctl(shop: Shop, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=shop.root, env=environment(more.pop("environ", {})),
        capture_output=True, text=True, timeout=60, check=False, **more,
    )  # fmt: skip


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sfctl", *words]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SFCTL_")}
    return {**clean, **(more or {})}


def job(shop: Shop, code: str = WRITE) -> None:
    (shop.root / "jobs" / "daily.py").write_text(code)


def events(shop: Shop, kind: str = "") -> list[Any]:
    with wiring.open_bus(shop.root / ".sfctl") as bus:
        return [record.event for record in bus.query(Query(kind=kind))]


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(done.stdout)
    return payload


def test_a_job_that_passes(shop: Shop) -> None:
    job(shop)
    done = sfctl(shop, "run", "daily", "--date", "2026-01-31", "--format", "json", "--", "x", "-y")
    told = result(done)
    assert (done.returncode, told["exit_code"], told["state"]) == (0, 0, "COMPLETED")
    assert "job says x -y" in done.stderr
    write = told["writes"][0]
    assert (write["dataset"], write["stage"]) == ("urn:dp:shop:orders", "gold")
    assert (write["rows_in"], write["rows_published"], write["version"]) == (2, 2, 0)
    assert write["certification"] == "CERTIFIED"
    assert (told["degraded"], told["counts_consistent"]) == (False, True)
    assert told["integration_level"] == "in-job"
    assert told["evidence"]["pending"] == 0
    own = [event for event in events(shop) if event.kind not in ("CONFIG", "POLICY")]
    assert told["evidence"]["written"] == told["evidence"]["published"] == len(own)
    kinds = [event.kind for event in events(shop)]
    assert {"JobRunStarted", "GATE", "DatasetWriteCommitted", "CERTIFICATION"} < set(kinds)
    (completed,) = events(shop, "JobRunCompleted")
    assert completed.payload["rows_written"] == 2
    assert completed.payload["resource_summary"]["peak_memory_bytes"] > 10 << 20
    assert completed.payload["resource_summary"]["cpu_seconds"] > 0
    assert len({event.run_id for event in own}) == 1


def test_stdout_is_the_jobs_alone_in_text_form(shop: Shop) -> None:
    job(shop)
    done = sfctl(shop, "run", "daily")
    assert done.stdout == "job says\n"
    assert "orders#gold v0: 2 rows, 2 published" in done.stderr


def test_streams_arguments_and_code_of_a_named_command(shop: Shop) -> None:
    code = "import sys; print(sys.stdin.read(), sys.argv[1:]); sys.stderr.write('e'); sys.exit(41)"
    line = command("run", "--name", "own", "--", sys.executable, "-c", code, "--date", "a b")
    done = subprocess.run(
        line, cwd=shop.root, env=environment(), input="in", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 41
    assert done.stdout == "in ['--date', 'a b']\n"
    assert done.stderr.startswith("e")
    assert "observed only" in done.stderr
    failed = events(shop, "JobRunFailed")[-1]
    assert failed.payload["failure_reason"] == "EXIT_CODE:41"
    assert failed.job_urn == "urn:job:own"


def test_the_jobs_exception_is_told_without_its_values(shop: Shop) -> None:
    job(shop, "import sfctl as sf\n@sf.job('daily')\ndef main():\n"
        "    raise ValueError('card 4111111111111111 of bob@corp.example')\nmain()\n")  # fmt: skip
    done = sfctl(shop, "run", "daily", "--date", "2026-01-31", "--format", "json")
    assert done.returncode == 1
    assert "bob@corp.example" in done.stderr, "the traceback is the user's own"
    assert result(done)["failure_reason"] == "JOB_ERROR:ValueError:main"
    (failed,) = events(shop, "JobRunFailed")
    told = json.dumps(failed.payload)
    assert "4111" not in told
    assert "bob" not in told
    assert failed.payload["stack_trace"][-1] == {"file": "daily.py", "line": 4, "function": "main"}


def test_a_job_that_takes_too_long_is_ended_and_says_why(shop: Shop) -> None:
    with (shop.root / "jobs" / "daily.yaml").open("a") as file:
        file.write("timeout: 1s\n")
    assert sfctl(shop, "compile").returncode == 0
    job(shop, "import time\nprint('began', flush=True)\ntime.sleep(300)")
    done = sfctl(shop, "run", "daily", "--date", "2026-01-31", "--format", "json")
    told = result(done)
    assert (done.returncode, told["job_exit_code"], told["state"]) == (124, 124, "FAILED")
    assert told["failure_reason"] == "JOB_ERROR:Timeout"
    (failed,) = events(shop, "JobRunFailed")
    assert failed.payload["failure_reason"] == "JOB_ERROR:Timeout"
    assert failed.payload["exit_code"] == 124


def test_a_job_retried_counts_its_attempts(shop: Shop) -> None:
    job(shop, "raise SystemExit(3)")
    for _ in range(3):
        assert sfctl(shop, "run", "daily", "--date", "2026-01-31").returncode == 3
    counts = [event.payload["retry_count"] for event in events(shop, "JobRunFailed")]
    assert counts == [0, 1, 2]


def test_a_retry_after_the_commit_writes_nothing_twice_and_rerun_does(shop: Shop) -> None:
    job(shop, WRITE + "\nimport os; sys.exit(int(os.environ.get('CODE', '0')))")
    first = sfctl(shop, "run", "daily", "--date", "2026-01-31", environ={"CODE": "5"})
    again = sfctl(shop, "run", "daily", "--date", "2026-01-31", "--format", "json")
    assert (first.returncode, again.returncode) == (5, 0)
    assert result(again)["writes"][0]["already_published"]
    assert shop.table().height == 2
    third = sfctl(
        shop, "run", "daily", "--date", "2026-01-31", "--rerun", "--format", "json",
        environ={"START": "11"},
    )  # fmt: skip
    assert not result(third)["writes"][0]["already_published"]
    assert shop.table().height == 4


def test_enforcement_that_blocks_exits_one(shop: Shop) -> None:
    job(shop)
    done = sfctl(shop, "run", "daily", "--format", "json", environ={"AMOUNT": "-5"})
    told = result(done)
    assert (done.returncode, told["state"]) == (1, "BLOCKED")
    assert told["writes"][0]["rows_quarantined"] == 2
    ways = f"sfctl quarantine show orders --run {told['run_id']}, sfctl status"
    assert done.stderr.splitlines()[-1] == f"look next: {ways}"
    assert not (shop.root / "lake" / "gold" / "orders").exists()


def test_a_block_that_the_job_catches_still_exits_one(shop: Shop) -> None:
    code = WRITE.removesuffix("main()\n") + (
        "try:\n    main()\nexcept sf.PublishBlocked as error:\n    print(error.result.blocked)\n"
    )
    job(shop, code)
    done = sfctl(shop, "run", "daily", environ={"AMOUNT": "-5"})
    assert (done.returncode, done.stdout) == (1, "True\n")


def test_findings_for_ci(shop: Shop) -> None:
    job(shop)
    done = sfctl(shop, "run", "daily", "--format", "junit", environ={"AMOUNT": "-5"})
    assert done.stdout.lstrip().startswith("<")
    assert "range" in done.stdout
    sarif = json.loads(sfctl(shop, "run", "daily", "--rerun", "--format", "sarif",
                             environ={"AMOUNT": "-5"}).stdout)  # fmt: skip
    (place,) = {
        found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for found in sarif["runs"][0]["results"]
        if found["ruleId"] == "SF510"
    }
    assert place == "datasets/orders/policy_bundle.yaml"


def test_the_last_results_can_be_selected(shop: Shop) -> None:
    job(shop)
    names = ("compile", "result:fail", "--format", "json")
    none = sfctl(shop, *names)
    assert (none.returncode, "SF142" in none.stderr) == (2, True)
    assert sfctl(shop, "run", "daily", environ={"AMOUNT": "-5"}).returncode == 1
    kept = json.loads((shop.root / "target" / "run_results.json").read_text())
    (only,) = kept["results"]
    assert (kept["schema"], only["name"], only["status"]) == (
        "sfctl.run_results.v1", "orders", "fail",
    )  # fmt: skip
    assert [each["name"] for each in result(sfctl(shop, *names))["datasets"]] == ["orders"]
    sfctl(shop, "run", "daily", "--date", "2024-01-02", environ={"START": "5"})
    assert "SF141" in sfctl(shop, *names).stderr
    chosen = sfctl(shop, "validate", "result:pass", "--format", "json")
    assert [each["name"] for each in result(chosen)["datasets"]] == ["orders"]
    job(shop, "raise SystemExit(3)")
    assert sfctl(shop, "run", "daily", "--date", "2024-01-03").returncode == 3
    (lost,) = json.loads((shop.root / "target" / "run_results.json").read_text())["results"]
    assert (lost["status"], lost["stage"]) == ("error", None)
    (shop.root / "target" / "run_results.json").write_text("{half")
    assert "SF142" in sfctl(shop, *names).stderr


def test_a_run_says_where_it_writes_if_nobody_asked_for_that(shop: Shop) -> None:
    job(shop)
    project = shop.root / "sfctl.yml"
    project.write_text(project.read_text() + "  night: {environment: dev, lake: ./night}\n")
    assert sfctl(shop, "compile", "--target", "night").returncode == 0
    said = "on target night, as compiled last; sfctl.yml means dev unless --target"
    assert said in sfctl(shop, "run", "daily").stderr
    assert said not in sfctl(shop, "run", "daily", "--target", "night").stderr
    project.write_text("{half")
    assert sfctl(shop, "run", "daily", "--date", "2024-01-02").returncode == 0


def test_a_run_in_a_copy_says_that_it_writes_to_the_lake_of_the_original(shop: Shop) -> None:
    job(shop)
    at, lake = shop.root.parent / "copy", shop.root / "lake"
    shutil.copytree(shop.root, at)
    copy = Shop(at)
    said = f"writes to the lake {lake}, as compiled last; sfctl.yml means {at / 'lake'}"
    assert said in sfctl(copy, "run", "daily").stderr
    assert said in sfctl(copy, "run", "--name", "x", "--", "true").stderr
    assert sfctl(copy, "compile").returncode == 0
    assert "writes to the lake" not in sfctl(copy, "run", "daily", "--date", "2024-01-02").stderr


def test_usage_before_the_job_starts(shop: Shop) -> None:
    job(shop)
    assert sfctl(shop, "run").returncode == 2
    unknown = sfctl(shop, "run", "dayly")
    assert (unknown.returncode, "did you mean `daily`?" in unknown.stderr) == (2, True)
    assert sfctl(shop, "run", "--name", "x").returncode == 2
    assert sfctl(shop, "run", "daily", "--date", "yesterday").returncode == 2
    missing = sfctl(shop, "run", "--name", "x", "--", "/no/such/command")
    assert (missing.returncode, "SF753" in missing.stderr) == (3, True)
    (shop.root / "target" / "manifest.json").unlink()
    assert sfctl(shop, "run", "daily").returncode == 2


def test_a_dead_bus_costs_the_job_nothing(shop: Shop) -> None:
    job(shop)
    wiring.store_folder(shop.root)
    (shop.root / ".sfctl" / "bus.db").mkdir()
    done = sfctl(shop, "run", "daily", "--format", "json")
    told = result(done)
    assert done.returncode == 0
    assert told["writes"][0]["certification"] == "CERTIFIED"
    assert told["evidence"]["pending"] == told["evidence"]["written"] > 0
    assert sfctl(shop, "run", "daily", "--strict-exit").returncode == 4
    (shop.root / ".sfctl" / "bus.db").rmdir()
    assert sfctl(shop, "evidence", "flush").returncode == 0
    assert len(events(shop, "JobRunCompleted")) == 2


def started(shop: Shop, code: str, **more: Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command("run", "--name", "long", "--", sys.executable, "-u", "-c", code),
        cwd=shop.root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **more,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


WAIT = """
import signal, sys, time
def told(number, frame):
    print(signal.Signals(number).name); sys.exit(20 + number)
for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT"):
    signal.signal(getattr(signal, name), told)
print("ready")
while True: time.sleep(0.05)
"""


@pytest.fixture
def _hangups_count() -> Iterator[None]:
    """Whoever is started under `nohup` hears of no hang-up, nor do its children."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_hangups_count")
def test_signals_reach_the_job(shop: Shop) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT):
        process = started(shop, WAIT, start_new_session=True)
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
        assert (out, process.returncode) == (f"{number.name}\n", 20 + number)


def test_a_killed_job_is_reported_from_outside(shop: Shop) -> None:
    code = "import os; print('ready'); os.kill(os.getpid(), 9)"
    process = started(shop, code)
    process.communicate(timeout=20)
    assert process.returncode == 137
    (failed,) = events(shop, "JobRunFailed")
    assert failed.payload["failure_reason"] in ("KILLED:SIGKILL", "OUT_OF_MEMORY")


def test_a_killed_supervisor_leaves_the_job_alone_and_the_next_run_tells(shop: Shop) -> None:
    go, mark = shop.root / "go", shop.root / "finished"
    code = (
        "import os, time\nprint('ready', flush=True)\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.05)\n"
        f"open({str(mark)!r}, 'w').close()"
    )
    process = started(shop, code)
    process.kill()
    process.wait()
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    job(shop)
    early = sfctl(shop, "run", "daily")
    assert "lost its supervisor" not in early.stderr, "the job still lives"
    go.touch()
    deadline = time.monotonic() + 20
    while not mark.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while "lost its supervisor" not in sfctl(shop, "run", "daily").stderr:
        assert time.monotonic() < deadline
    reasons = [event.payload["failure_reason"] for event in events(shop, "JobRunFailed")]
    assert reasons == ["SUPERVISOR_LOST"]
    assert "lost its supervisor" not in sfctl(shop, "run", "daily").stderr


def test_a_key_of_the_terminal_is_not_sent_twice(shop: Shop) -> None:
    code = (
        "import signal, time\nhits = []\nsignal.signal(signal.SIGINT, lambda *a: hits.append(1))\n"
        "print('ready', flush=True)\nend = time.monotonic() + 1.0\n"
        "while time.monotonic() < end: time.sleep(0.05)\nprint('hits', len(hits), flush=True)"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(shop.root)
        os.execve(
            sys.executable,
            command("run", "--name", "tty", "--", sys.executable, "-c", code),
            environment(),
        )
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while not re.search(rb"hits \d", said):
        said += os.read(terminal, 1000)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"hits 1" in said


def test_two_runs_at_once_end_in_order(shop: Shop) -> None:
    job(shop)
    line = command("run", "daily", "--date", "2026-01-31", "--format", "json")
    both = [
        subprocess.Popen(line, cwd=shop.root, env=environment(), stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]  # fmt: skip
    told = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(each["writes"][0]["already_published"] for each in told) == [False, True]
    assert shop.table().height == 2
    assert len({each["run_id"] for each in told}) == 2


def test_what_the_start_warns_of(shop: Shop) -> None:
    job(shop)
    (shop.root / ".sfctl" / "keys" / "pii.key").unlink()
    bundle = shop.root / "datasets" / "orders" / "policy_bundle.yaml"
    bundle.write_text(bundle.read_text() + "\n# changed\n")
    (shop.root / "target" / "policies" / "orders.sig").unlink()
    done = sfctl(shop, "run", "daily")
    assert done.returncode == 0
    assert "SF450" in done.stderr
    assert "the YAML has changed" in done.stderr
    assert "draft" in done.stderr
    assert shop.table()["contact"].to_list() == [None, None]


def test_the_code_ref_is_the_commit(shop: Shop) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(shop.root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    sfctl(shop, "run", "--name", "n", "--", "true")
    (begun,) = events(shop, "JobRunStarted")
    assert begun.code_ref == commit
    assert {"producer_urn", "expects"} < set(begun.payload)


def test_chained_jobs_read_and_say_so(shop: Shop) -> None:
    job(shop)
    sfctl(shop, "run", "daily")
    code = "import sfctl as sf; print(sf.read_certified('orders', as_='polars').height)"
    done = sfctl(shop, "run", "--name", "reader", "--", sys.executable, "-c", code)
    assert done.stdout == "2\n"
    (read,) = events(shop, "DatasetRead")
    assert (read.payload["version"], read.payload["rows_read"]) == (0, 2)
    assert read.schema_fingerprint.startswith("sha256:")


def test_the_rules_are_on_the_log_before_what_they_judge(shop: Shop) -> None:
    job(shop)
    assert sfctl(shop, "run", "daily", "--date", "2026-01-31").returncode == 0
    kinds = [event.kind for event in events(shop) if event.kind != "POLICY"]
    assert kinds[:2] == ["CONFIG", "JobRunStarted"]
    assert sfctl(shop, "run", "daily", "--date", "2026-02-01").returncode == 0
    assert len(events(shop, "CONFIG")) == 1


def test_a_bus_that_does_not_open_is_no_matter_at_the_start(shop: Shop) -> None:
    job(shop)
    for old in (shop.root / ".sfctl").glob("bus.db*"):
        old.unlink()
    (shop.root / ".sfctl" / "bus.db").mkdir()
    done = sfctl(shop, "run", "daily", "--date", "2026-01-31")
    assert done.returncode == 0
    assert "job says" in done.stdout
    assert "announced" not in done.stderr
    told = sfctl(shop, "run", "daily", "--date", "2026-02-01", "--verbose")
    assert "not announced" in told.stderr
