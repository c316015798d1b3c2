"""The rig of publishing with Spark's engine: the same dataset, lake and ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from sfctl.model.policy import Policy
from sfctl.model.write import WriteResult
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.pii import keys
from sfctl.runtime.publishing.publish import publish
from sfctl.runtime.publishing.request import Ports
from sfctl.runtime.spark import judge, split
from sfctl.runtime.spark.engine import OnSpark
from sfctl.runtime.spark.program import program_for
from sfctl.runtime.spark.schema import of_frame
from tests.publish_rig import NOW, Rig, policy


@dataclass
class SparkRig(Rig):
    """Publishes frames of Spark; Polars ones are given to Spark first, in `parts` partitions."""

    spark: Any = None
    parts: int = 3
    staging: Callable[[str], None] = lambda _step: None

    def frame(self, rows: pl.DataFrame) -> Any:
        """Return rows as a Spark frame."""
        return self.spark.createDataFrame(rows.to_arrow()).repartition(self.parts)

    def spark_ports(self, by: Policy, stage: str = "gold", **changes: Any) -> Ports:
        """The ports of one write, with an engine of its own."""
        around = Surroundings()
        engine = OnSpark(
            lambda frame: program_for(of_frame(frame), by, stage, around).riding(),
            self.staging,
        )
        made: dict[str, Any] = {
            "judge": lambda held, policy, stage: judge.judge(held, policy, stage, now=NOW),
            "split": lambda held, policy, stage, judgement: split.split(
                held, policy, stage, judgement=judgement
            ),
            "act": lambda held, found: engine.act(held, found, lambda: keys.load(self.store)),
            "engine": engine,
        }
        return self.ports(**{**made, **changes})

    def write(self, frame: Any, by: Policy | None = None, day: int = 1, **more: Any) -> WriteResult:
        """Publish one day's batch from Spark through fresh ports."""
        by = by or policy()
        ports = self.spark_ports(by, more.get("stage", "gold"), **more.pop("ports", {}))
        rows = self.frame(frame) if isinstance(frame, pl.DataFrame) else frame
        try:
            return publish(self.request(rows, by, day, **more), ports)
        finally:
            ports.state.close()
            ports.evidence.close()  # type: ignore[attr-defined]
