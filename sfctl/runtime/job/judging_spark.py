"""Judging one write whose rows are held on Spark: the same surroundings, as frames of Spark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.job import others
from sfctl.runtime.job.failopen import show
from sfctl.runtime.job.judging import Judging
from sfctl.runtime.publishing.engine import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from sfctl.runtime.spark.held import Held


@dataclass(frozen=True, slots=True)
class JudgingOnSpark:
    """The judge and the split of one write of a Spark frame; `of` knows what is around it."""

    of: Judging

    def riding(self, frame: DataFrame) -> Mapping[str, str]:
        """Return what to measure while the rows are taken. A fault of ours measures nothing."""
        from sfctl.runtime.spark.aggregate import accepted
        from sfctl.runtime.spark.program import program_for
        from sfctl.runtime.spark.schema import of_frame

        request = self.of.request
        if request.gates_off:
            return {}
        try:
            policy, around = self._asked(request.policy, request.stage)
            program = program_for(of_frame(frame), policy, request.stage, around)
            return accepted(frame, program.riding())
        except Exception as error:  # noqa: BLE001  what does not ride is asked in a pass
            show(error)
            return {}

    def judge(self, held: Held, policy: Policy, stage: str) -> Judgement:
        """Return what the policy says of the rows; an earlier version has a say for some days."""
        from sfctl.runtime.spark import judge, versions

        if (joint := self.of.joint()) is not None:
            around = self._around(held, joint.policy, stage)
            return versions.judge_both(held, joint, stage, now=self.of.now, around=around)
        around = self._around(held, policy, stage)
        return judge.judge(held, policy, stage, now=self.of.now, around=around)

    def split(self, held: Held, policy: Policy, stage: str, judgement: Judgement) -> Rows:
        """Return good and bad rows; what stays in the table for bad ones is held against good ones.

        That may make more rows bad than the judgement counted.
        """
        from sfctl.runtime.spark import split
        from sfctl.runtime.spark.held import Held, computed

        if (joint := self.of.joint()) is not None:
            around = self._around(held, joint.policy, stage)
            sides = split.split_both(held, joint, stage, judgement=judgement, around=around)
        else:
            around = self._around(held, policy, stage)
            sides = split.split(held, policy, stage, judgement=judgement, around=around)
        asked = others.in_question(self.of.request, policy)
        more = sides.bad.height
        while asked is not None and more:
            # a plan that names itself twice grows beyond all measure, round by round
            good = Held(computed(sides.good.frame), sides.good.height)
            again = split.split(good, asked, stage, around=self._around(good, asked, stage))
            sides, more = split.together(sides, again), again.bad.height
        return sides

    def _asked(self, policy: Policy, stage: str) -> tuple[Policy, Surroundings]:
        joint = self.of.joint()
        policy = policy if joint is None else joint.policy
        return policy, self.of.around(policy, stage)

    def _around(self, held: Held, policy: Policy, stage: str) -> Surroundings:
        from sfctl.runtime.spark.others import kept_by

        spark = held.frame.sparkSession
        return replace(
            self.of.around(policy, stage),
            references=lambda dataset: self._certified(spark, dataset),
            others=lambda _rule: kept_by(spark, self.of.request, held.frame),
        )

    def _certified(self, spark: Any, dataset: str) -> DataFrame | None:
        """Return the certified rows of another dataset, None where none ever certified."""
        from sfctl.runtime.spark import frames

        found = self.of.certified(dataset)
        if found is None:
            return None
        table, form, version = found
        return frames.read(spark, table.path, form, version)
