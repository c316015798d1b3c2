"""Whatever a user's function does, it costs itself its outcome and nobody else anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.model.policy import Custom, Performance, Rule
from sfctl.model.source_code import source_code
from sfctl.model.verdict import RuleResult
from sfctl.runtime.core.judge import Surroundings
from sfctl.runtime.core.split import split
from sfctl.runtime.custom import batches
from sfctl.runtime.custom import rules as custom_rules
from tests.conformance.runtime.rules import judged, policy, rule

FUNCTIONS = """
import mmap, os, signal, sys, threading, time

def short(batch):
    return [None if text is None else len(text) < 3 for text in batch["s"].to_pylist()]

def raises(batch):
    raise KeyError("private")

def names_an_error(batch):
    raise type(str(batch["s"][1]), (ValueError,), {})

def names_an_answer(batch):
    return type(str(batch["s"][1]), (), {})()

def exits(batch):
    sys.exit(0)

def interrupts(batch):
    raise KeyboardInterrupt

def leaves(batch):
    os._exit(0)

def crashes(batch):
    import ctypes
    ctypes.string_at(0)

def hangs(batch):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        time.sleep(60)

def grows(batch):
    kept = []
    while True:
        kept.append(b"x" * (8 << 20))

def shares(batch):
    shared = mmap.mmap(-1, 1 << 30)
    for at in range(0, len(shared), 4096):
        shared[at] = 1
    return short(batch)

def asks_for_the_moon(batch):
    bytearray(1 << 40)

def prints(batch):
    for _ in range(64):
        print("private" * 10_000)
        os.write(1, b"private" * 10_000)
        os.write(2, b"private" * 10_000)
    return short(batch)

def closes(batch):
    os.closerange(0, 4096)
    return short(batch)

def starts_threads(batch):
    for _ in range(4):
        threading.Thread(target=time.sleep, args=(60,)).start()
    return short(batch)

def forks(batch):
    if os.fork() == 0:
        open(os.environ["PLACE"], "w").write(str(os.getpid()))
        time.sleep(60)
    while not os.path.exists(os.environ["PLACE"]):
        time.sleep(0.01)
    return short(batch)

def returns_twice(batch):
    os.fork()
    return short(batch)

def one_number(batch):
    return 1

def too_few(batch):
    return [True]

def texts(batch):
    return ["private"] * batch.num_rows

def nothing(batch):
    pass

def unknown(batch):
    return [None] * batch.num_rows

def cleans_up(batch):
    import pyarrow as pa
    for index in range(batch.num_rows):
        if batch.num_columns:
            batch = batch.remove_column(0)
    return [True] * 6
"""
ROWS = pl.DataFrame({"s": ["a", "bbbb", None, "cc", "dddd", "e"]})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    return tmp_path


def custom(root: Path, name: str, rule_id: str = "", **more: Any) -> Rule:
    function = f"mine:{name}"
    check = Custom(function, ("s",), source_code(function, root).digest)
    return rule(check, rule_id or name, kind="custom", **more)


def results(root: Path, *names: str, rows: object = ROWS, **more: Any) -> dict[str, RuleResult]:
    around = Surroundings(root=root)
    found = judged(rows, *(custom(root, name) for name in names), around=around, **more)
    return {each.id: each for each in found.rules}


def test_what_a_function_raises_or_answers_wrongly_is_a_failure_of_the_rows(root: Path) -> None:
    reasons = {
        "raises": "mine:raises raised KeyError",
        "names_an_error": "mine:names_an_error raised ValueError",
        "names_an_answer": "mine:names_an_answer returned object, no booleans",
        "exits": "mine:exits raised SystemExit",
        "interrupts": "mine:interrupts raised KeyboardInterrupt",
        "one_number": "mine:one_number returned int, no booleans",
        "nothing": "mine:nothing returned NoneType, no booleans",
        "too_few": "mine:too_few returned 1 answers for 6 rows",
        "texts": "mine:texts returned values of type string, no booleans",
    }
    found = results(root, *reasons, "short", "unknown", "cleans_up")
    for name, reason in reasons.items():
        result = found[name]
        assert (result.status, result.data_error, result.reason) == ("error", True, reason)
        assert (result.failed, result.evaluated) == (6, 6)
    assert [(found[n].status, found[n].failed) for n in ("short", "unknown", "cleans_up")] == [
        ("fail", 2), ("pass", 0), ("pass", 0),
    ]  # fmt: skip


def test_a_function_that_takes_its_process_down_is_not_judged_and_others_are(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    reasons = {
        "leaves": "mine:leaves ended its process (exit code 0)",
        "crashes": "mine:crashes was ended by SIGSEGV",
        "closes": "mine:closes ended its process (exit code 1)",
        "grows": "mine:grows held more than 32 MiB and was stopped",
        "shares": "mine:shares held more than 32 MiB and was stopped",
        "asks_for_the_moon": "mine:asks_for_the_moon needs more than 32 MiB",
    }
    names = [*reasons, "prints", "starts_threads", "returns_twice", "short"]
    found = results(root, *names, performance=Performance(memory_mb=32))
    assert {name: found[name].reason for name in reasons} == reasons
    for name in reasons:
        result = found[name]
        assert (result.status, result.data_error, result.failed) == ("error", False, 0)
    for name in names[len(reasons) :]:
        assert (found[name].status, found[name].failed) == ("fail", 2), found[name].reason
    assert capfd.readouterr() == ("", "")


def test_a_function_that_hangs_is_stopped_at_its_deadline(root: Path) -> None:
    begun = time.monotonic()
    around = Surroundings(root=root)
    found = judged(
        ROWS, custom(root, "hangs"), custom(root, "short"), around=around,
        performance=Performance(gate_timeout_ms=1_000),
    )  # fmt: skip
    assert time.monotonic() - begun < 30
    hung, short = found.rules
    assert (hung.status, hung.data_error) == ("error", False)
    assert hung.reason == "mine:hangs took longer than 1 s and was stopped"
    assert (short.status, short.failed) == ("fail", 2)
    assert found.verdict == "FAIL"
    assert any("hangs" in each for each in found.degraded)


def test_rules_that_hang_share_twice_the_time_of_their_gate(root: Path) -> None:
    rules = [custom(root, "hangs", f"hangs{n}") for n in range(4)]
    performance = Performance(gate_timeout_ms=300)
    found = judged(ROWS, *rules, around=Surroundings(root=root), performance=performance).rules
    assert ["was stopped" in each.reason for each in found] == [True, True, False, False]
    assert found[3].reason == "mine:hangs was not asked: its gate had no time left"


def test_the_time_a_rule_has_grows_with_its_rows() -> None:
    clock = custom_rules.Clock(seconds=5.0, ceiling=float("inf"))
    assert (clock.left(10), clock.left(50_000), clock.left(500_000)) == (5.0, 5.0, 50.0)
    clock.took(4.0, 50_000)
    assert (clock.left(50_000), clock.left(100_000)) == (1.0, 6.0)
    assert custom_rules.Clock(5.0, 0.2).left(10**9) == 0.2


def test_what_a_function_starts_ends_with_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = root / "pid"
    monkeypatch.setenv("PLACE", str(place))
    assert results(root, "forks")["forks"].failed == 2
    assert gone(int(place.read_text()))


def test_import_that_hangs_fails_or_exits_costs_the_rule_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_rules, "START_S", 3.0)
    bodies = {
        "sleeps": "import time; time.sleep(60)",
        "leaves": "import sys; sys.exit(0)",
        "lacks": "import no_such_module_anywhere",
        "broken": "def check(:",
    }
    rules = []
    for name, body in bodies.items():
        (root / f"{name}.py").write_text(f"check = None\n{body}\n")
        if name == "broken":
            (root / "broken.py").write_text("def check(batch): ...\nreturn\n")
        code = source_code(f"{name}:check", root)
        rules.append(
            rule(Custom(f"{name}:check", ("s",), code.digest), name, kind="custom")
        )  # fmt: skip
    found = judged(ROWS, *rules, custom(root, "short"), around=Surroundings(root=root)).rules
    reasons = [each.reason for each in found]
    assert reasons[0] == "sleeps:check took longer than 3 s and was stopped"
    assert reasons[1] == "leaves:check raised SystemExit when it was imported"
    assert reasons[2].startswith("lacks:check cannot be imported: No module named")
    assert reasons[3].startswith("broken:check cannot be imported: 'return' outside function")
    assert [each.data_error for each in found] == [False] * 5
    assert (found[4].status, found[4].failed) == ("fail", 2)


def test_rows_are_handed_over_in_bounded_batches(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS", 1_000)
    (root / "sizes.py").write_text(
        "def check(batch):\n    return [batch.num_rows <= 1000] * len(batch)\n"
    )
    check = Custom("sizes:check", ("s",), source_code("sizes:check", root).digest)
    rows = pl.DataFrame({"s": ["x"] * 2_500})
    (found,) = judged(rows, rule(check, kind="custom"), around=Surroundings(root=root)).rules
    assert (found.status, found.evaluated) == ("pass", 2_500)
    wide = pl.DataFrame({"s": ["x" * 100_000] * 400})
    assert {part.height for part in batches.batches(wide)} == {167, 66}
    assert list(batches.batches(rows.clear())) == []


def test_bad_rows_are_those_the_function_named(root: Path) -> None:
    given = policy(custom(root, "short"))
    parts = split(ROWS, given, "gold", around=Surroundings(root=root))
    assert parts.good["s"].to_list() == ["a", None, "cc", "e"]
    assert parts.bad["s"].to_list() == ["bbbb", "dddd"]


def test_keys_and_passwords_stay_with_the_parent(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "nosy.py").write_text(
        "import os\ndef check(batch):\n"
        "    seen = {'MY_KEY', 'SFCTL_PII_KEY'} & set(os.environ)\n"
        "    return [not seen and 'SEEN' in os.environ] * len(batch)\n"
    )
    monkeypatch.setenv("MY_KEY", "secret")
    monkeypatch.setenv("SEEN", "1")
    check = Custom("nosy:check", ("s",), source_code("nosy:check", root).digest)
    around = Surroundings(root=root, hidden=frozenset({"MY_KEY"}))
    assert judged(ROWS, rule(check, kind="custom"), around=around).verdict == "PASS"
    monkeypatch.delenv("MY_KEY")
    monkeypatch.setenv("SFCTL_PII_KEY", "secret")
    assert judged(ROWS, rule(check, kind="custom"), around=Surroundings(root=root)).bad == 0


PARENT = """
import sys
from pathlib import Path
from sfctl.model.policy import Performance
from sfctl.runtime.core.judge import Surroundings
from tests.unit.runtime.custom.test_isolation import ROWS, custom, judged
root = Path(sys.argv[1])
print("ready", flush=True)
judged(ROWS, custom(root, sys.argv[2]), around=Surroundings(root=root))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_child_ends_with_its_parent(root: Path, how: signal.Signals) -> None:
    (root / "mine.py").write_text(
        FUNCTIONS + "\n\ndef tells(batch):\n"
        f"    open({str(root / 'pid')!r}, 'w').write(str(os.getpid()))\n    hangs(batch)\n"
    )
    words = [sys.executable, "-c", PARENT, str(root), "tells"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as parent:
        while not (root / "pid").exists() or not (root / "pid").read_text():
            assert parent.poll() is None
            time.sleep(0.02)
        child = int((root / "pid").read_text())
        parent.send_signal(how)
        _, said = parent.communicate(timeout=10)
    assert gone(child)
    assert (b"KeyboardInterrupt" in said) == (how == signal.SIGINT)


def gone(pid: int) -> bool:
    """Say whether a process is gone, or is about to be."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
