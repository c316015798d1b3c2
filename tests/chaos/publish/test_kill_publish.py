"""A SIGKILL at every step, then a retry: nothing lost, nothing doubled, no half-moved pin."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sfctl.certification import pin, view
from sfctl.certification.ledger import Ledger
from sfctl.runtime.publishing.replay import replay
from sfctl.state.embedded import EmbeddedState
from tests.chaos.publish.publish_child import SCENARIOS
from tests.publish_rig import URN, Rig, batch, policy

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).parents[3]
BEFORE_COMMIT = ["locked", "judged", "quarantined"]
AFTER_COMMIT = ["committed", "recorded", "emitted", "certified", "pinned"]


def killed(root: Path, what: str, step: str, form: str = "delta") -> None:
    """Run a publisher that dies at `step`."""
    words = ["-m", "tests.chaos.publish.publish_child", str(root), what, step, form]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def check(rig: Rig) -> None:
    """What must hold whenever anyone looks, retried or not."""
    with EmbeddedState(rig.store / "state.db") as state:
        certificate = view.load(state, URN)
        records = {r.version: r for r in Ledger(state, f"{URN}#gold").records()}
    known = pin.read(Path(rig.path))
    assert known is not None
    assert known.generation <= certificate.generation
    for version in (known.last_certified_version, certificate.certified_version):
        assert version is not None
        assert records[version].kind == "passed"
        frame = rig.table().scan(version).collect()
        assert frame.height == frame["id"].n_unique()
        assert frame.filter(frame["amount"] < 0).is_empty()


def retry(rig: Rig, what: str) -> None:
    """Ask again as a second attempt, and compare with a run that nobody killed."""
    scenario = dict(SCENARIOS[what])
    frame = scenario.pop("frame")
    result = rig.write(frame, day=2, run_id="second", attempt=1, **scenario)
    calm = Rig(rig.root / "calm", format=rig.format)
    calm.write(batch(5, 6), policy(), day=1)
    wanted = calm.write(frame, day=2, **scenario)
    assert (rig.ids(), rig.held_ids()) == (calm.ids(), calm.held_ids())
    assert result.certification == wanted.certification
    assert result.certified_version == wanted.certified_version
    assert pin.read(Path(rig.path)).last_certified_version == wanted.certified_version  # type: ignore[union-attr]
    assert not set(rig.ids()) & set(rig.held_ids())


@pytest.mark.parametrize("what", ["passing", "diverted"])
@pytest.mark.parametrize("step", BEFORE_COMMIT + AFTER_COMMIT)
def test_a_kill_at_any_step_is_made_good_by_a_retry(tmp_path: Path, what: str, step: str) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(5, 6), policy(), day=1)
    killed(tmp_path, what, step)
    check(rig)
    visible = 10 in rig.ids()
    assert visible == (step in AFTER_COMMIT)
    retry(rig, what)
    check(rig)


@pytest.mark.parametrize("step", ["quarantined", "emitted"])
def test_a_blocked_batch_is_blocked_once(tmp_path: Path, step: str) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(5, 6), policy(), day=1)
    killed(tmp_path, "blocked", step)
    check(rig)
    retry(rig, "blocked")
    assert rig.held_ids() == [10, 11, 12]


def test_an_overwrite_is_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(5, 6), policy(), day=1)
    killed(tmp_path, "overwriting", "committed")
    assert rig.ids() == [10]
    check(rig)
    retry(rig, "overwriting")


@pytest.mark.parametrize("step", ["between files and commit", "committed"])
def test_parquet_snapshots_leave_only_garbage_behind(tmp_path: Path, step: str) -> None:
    rig = Rig(tmp_path, format="parquet")
    rig.write(batch(5, 6), policy(), day=1)
    killed(tmp_path, "passing", step, "parquet")
    check(rig)
    retry(rig, "passing")
    doomed = rig.table().vacuum([0, 1], retention_hours=-1, dry_run=False)
    assert len(doomed) == (step == "between files and commit")
    check(rig)


@pytest.mark.parametrize("step", ["replaying", "committed", "certified", "republished"])
def test_a_killed_replay_brings_its_rows_in_once(tmp_path: Path, step: str) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(5, 6), policy(), day=1)
    rig.write(batch(1, -1, 2, start=10), policy(share="0.1"), day=2)
    killed(tmp_path, "replay", step)
    check(rig)
    template = rig.request(batch(), policy(), day=9, run_id="again")
    replay(template, rig.ports(), rig.private_key)
    assert rig.ids() == [0, 1, 10, 12]
    assert rig.held_ids("held", "replaying") == [11]
    assert rig.held_ids("replayed") == [10, 12]
    check(rig)


def test_a_retry_of_a_batch_whose_replay_was_killed_does_not_double_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(5, 6), policy(), day=1)
    rig.write(batch(1, -1, 2, start=10), policy(share="0.1"), day=2)
    killed(tmp_path, "replay", "replaying")
    rig.write(batch(1, 3, 2, start=10), policy(), day=2, attempt=1, run_id="retry")
    assert (rig.ids(), rig.held_ids("held", "replaying")) == ([0, 1, 10, 11, 12], [])
