"""Which engine a frame is judged and published by, with what it needs of the project around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sfctl.model.policy import Detection, Policy
from sfctl.model.verdict import Judgement, PiiFinding
from sfctl.runtime.job import failopen
from sfctl.runtime.job.failopen import Loose, Reins
from sfctl.runtime.job.judging import Judging
from sfctl.runtime.job.judging_spark import JudgingOnSpark
from sfctl.runtime.job.trail import Trail
from sfctl.runtime.pii import actions
from sfctl.runtime.pii.keys import KeyRing
from sfctl.runtime.publishing.engine import Engine, Frame, Rows
from sfctl.runtime.publishing.in_memory import InMemory
from sfctl.runtime.spark import session


class Ways(NamedTuple):
    """How the frames of one engine are judged, split, acted on and published."""

    judge: Callable[[Frame, Policy, str], Judgement]
    split: Callable[[Frame, Policy, str, Judgement], Rows]
    act: Callable[[Frame, Sequence[Detection]], tuple[Frame, tuple[PiiFinding, ...]]]
    engine: Engine
    undivided: Callable[[Frame], Rows]
    reins: Callable[[], Reins]


def ways_of(judging: Judging, ring: Callable[[], KeyRing], way: Trail) -> Ways:
    """Return those of the frame that a write brings; `ring` returns the keys of tokens."""
    if not session.is_frame(judging.request.frame):

        def act(frame: Any, found: Sequence[Detection]) -> tuple[Any, tuple[PiiFinding, ...]]:
            return actions.apply(frame, found, ring)

        return Ways(judging.judge, judging.split, act, InMemory(), failopen.undivided, Loose)
    from sfctl.runtime.spark.engine import OnSpark
    from sfctl.runtime.spark.reins import SparkReins

    held = JudgingOnSpark(judging)
    engine, spark = OnSpark(held.riding, witness=way), judging.request.frame.sparkSession
    return Ways(
        held.judge, held.split, lambda frame, found: engine.act(frame, found, ring), engine,
        engine.undivided, lambda: SparkReins(spark),
    )  # fmt: skip
