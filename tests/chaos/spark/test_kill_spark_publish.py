"""A SIGKILL of the driver at every step on Spark, then a retry: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.publish.publish_child import SCENARIOS
from tests.chaos.publish.test_kill_publish import check
from tests.chaos.spark.publish_child import STUCK, door
from tests.publish_rig import Rig, batch, policy
from tests.spark_publish_rig import SparkRig

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).parents[3]
BEFORE = [
    "staging", "staged", "locked", "judged", "held staging", "held staged", "quarantined",
    "adopting",
]  # fmt: skip
AFTER = ["committed", "recorded", "emitted", "certified", "pinned"]
ROUNDS = int(os.environ.get("SFCTL_CHAOS_ROUNDS") or 0)
WORDS = [sys.executable, "-m", "tests.chaos.spark.publish_child"]


@pytest.fixture
def rig(tmp_path: Path, spark: Any) -> Iterator[SparkRig]:
    made = SparkRig(tmp_path, spark=spark)
    Rig(tmp_path).write(batch(5, 6), policy(), day=1)
    yield made
    spark.catalog.clearCache()


def killed(rig: SparkRig, what: str, step: str) -> None:
    """Run a driver that dies at `step`."""
    done = subprocess.run(
        [*WORDS, str(rig.root), what, step],
        cwd=ROOT, env=door(rig.spark), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-3000:]


def retry(rig: SparkRig, what: str, *, swept: bool = True) -> None:
    """Ask again as a second attempt, and compare with a run that nobody killed.

    A retry sweeps what was left of a write that was not committed; else a vacuum does.
    """
    scenario = dict(SCENARIOS[what])
    frame, by = scenario.pop("frame"), scenario.pop("by")
    result = rig.write(frame, by, day=2, run_id="second", attempt=1, **scenario)
    calm = Rig(rig.root / "calm")
    calm.write(batch(5, 6), policy(), day=1)
    wanted = calm.write(frame, by, day=2, **scenario)
    assert (rig.ids(), rig.held_ids()) == (calm.ids(), calm.held_ids())
    assert result.certification == wanted.certification
    assert not set(rig.ids()) & set(rig.held_ids())
    left = [each for each in Path(rig.path).glob("stage-*") if not _named(rig, each)]
    assert left == [] or not swept


def _named(rig: SparkRig, folder: Path) -> bool:
    return any(file.path.startswith(f"{folder.name}/") for file in rig.table().files())


@pytest.mark.parametrize("step", BEFORE + AFTER)
def test_a_kill_at_any_step_is_made_good_by_a_retry(rig: SparkRig, step: str) -> None:
    killed(rig, "diverted", step)
    check(rig)
    assert (10 in rig.ids()) == (step in AFTER)
    retry(rig, "diverted", swept=step in BEFORE)
    check(rig)


@pytest.mark.parametrize("step", ["held staged", "quarantined", "emitted"])
def test_a_blocked_batch_is_held_once(rig: SparkRig, step: str) -> None:
    killed(rig, "blocked", step)
    check(rig)
    retry(rig, "blocked")
    assert rig.held_ids() == [10, 11, 12]


def test_a_driver_that_dies_with_its_jvm_amid_its_rows(rig: SparkRig) -> None:
    child = subprocess.Popen(
        [*WORDS, str(rig.root), "diverted", STUCK], cwd=ROOT, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while not (rig.root / STUCK).exists() and time.monotonic() < deadline:
        assert child.poll() is None
        time.sleep(0.1)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert list(Path(rig.path).glob("stage-*/**/*.parquet"))
    check(rig)
    assert rig.ids() == [0, 1]
    retry(rig, "diverted")
    check(rig)


@pytest.mark.slow
@pytest.mark.asked_by("SFCTL_CHAOS_ROUNDS")
@pytest.mark.parametrize("number", range(ROUNDS))
def test_kills_at_random(rig: SparkRig, number: int) -> None:
    dice = random.Random(number)
    what = dice.choice(list(SCENARIOS))
    for _ in range(dice.randint(1, 2)):
        steps = BEFORE + AFTER if what != "blocked" else BEFORE[:6]
        if what == "passing":
            steps = [step for step in steps if not step.startswith("held ")]
        step = dice.choice(steps)
        done = subprocess.run(
            [*WORDS, str(rig.root), what, step],
            cwd=ROOT, env=door(rig.spark), capture_output=True, check=False,
        )  # fmt: skip
        # a second driver that finds the write done never comes to the step
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()[-3000:]
        check(rig)
    retry(rig, what, swept=False)
    check(rig)
