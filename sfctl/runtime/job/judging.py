"""Judging one write: the core, with what it must know of the project around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sfctl.errors import SfctlError, SourceError
from sfctl.model import codec, urn
from sfctl.model.manifest import TargetEntry
from sfctl.model.policy import GATES_OF_STAGE, Gate, Policy, Rule
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.budget import budget_for
from sfctl.runtime.core.judge import Surroundings, judge
from sfctl.runtime.core.split import split, together
from sfctl.runtime.core.versions import Joint, joined, judge_both, split_both
from sfctl.runtime.job import others
from sfctl.runtime.job.agreed import Agreed
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.pii.actions import find
from sfctl.runtime.pii.keys import VARIABLE
from sfctl.runtime.publishing.certified import certified
from sfctl.runtime.publishing.engine import Rows
from sfctl.runtime.publishing.request import PublishRequest
from sfctl.runtime.tables.port import Table
from sfctl.state.port import StateStore

if TYPE_CHECKING:
    import polars as pl

NOTHING_CERTIFIED = {"SF321", "SF323"}


@dataclass(frozen=True, slots=True)
class Judging:
    """The judge and the split of one write. `off` are gates that a kill switch holds off.

    `agreed` is what the dataset should look like.
    """

    compiled: Compiled
    request: PublishRequest
    agreed: Agreed
    now: datetime
    registered: bool
    confidence: str
    off: frozenset[Gate]
    state: Callable[[], StateStore]

    def judge(self, frame: pl.DataFrame | pl.LazyFrame, policy: Policy, stage: str) -> Judgement:
        """Return what the policy says of the rows, within its budget.

        In a new version's first days the version before has a say, where the rows are at hand.
        """
        joint = self.joint()
        if joint is not None and not hasattr(frame, "collect"):
            around = self.around(joint.policy, stage)
            return judge_both(frame, joint, stage, now=self.now, around=around)
        return judge(frame, policy, stage, now=self.now, around=self.around(policy, stage))

    def judge_version(
        self, rows: pl.LazyFrame, policy: Policy, stage: str, beside: pl.LazyFrame | None
    ) -> Judgement:
        """Return what the policy says of rows that a table's version brought.

        `beside` are the version's other rows. Personal data is counted: it can only be told of.
        """
        around = self.around(policy, stage)
        around = replace(around, others=lambda _rule: beside, pii=find)
        return judge(rows, policy, stage, now=self.now, around=around)

    def split(self, frame: pl.DataFrame, policy: Policy, stage: str, judgement: Judgement) -> Rows:
        """Return good and bad rows; what stays in the table for bad ones is held against good ones.

        That may make more rows bad than the judgement counted.
        """
        if (joint := self.joint()) is not None:
            around = self.around(joint.policy, stage)
            sides = split_both(frame, joint, stage, judgement=judgement, around=around)
        else:
            around = self.around(policy, stage)
            sides = split(frame, policy, stage, judgement=judgement, around=around)
        asked = others.in_question(self.request, policy)
        more = sides.bad.height
        while asked is not None and more:
            beside = others.kept_by(self.request, sides.good)
            around = replace(around, others=partial(_always, beside))
            again = split(sides.good, asked, stage, around=around)
            sides, more = together(sides, again), again.bad.height
        return sides

    def joint(self) -> Joint | None:
        """Return the two versions of the policy in a new one's first days, else None."""
        earlier = self.request.earlier
        return joined(self.request.policy, earlier) if earlier else None

    def around(self, policy: Policy, stage: str) -> Surroundings:
        """Return what a judgement of this write needs to know beyond policy and rows."""
        return Surroundings(
            registered=self.registered,
            confidence=self.confidence,
            references=self._certified,
            others=lambda _rule: others.kept_by(self.request, self.request.frame),
            off=self.off,
            budget=budget_for(policy, GATES_OF_STAGE[stage]),
            root=self.compiled.root,
            hidden=_secrets(self.compiled.manifest.target),
            standard=self.agreed.standard,
            marks=self.agreed.marks,
        )

    def certified(self, dataset: str) -> tuple[Table, str, int] | None:
        """Return another dataset's table, its format and certified version; None for none.

        Raises SfctlError where nobody can tell: that is no fault of the rows.
        """
        entry = self.compiled.dataset(dataset)
        name = urn.without_stage(dataset)
        path = (entry.paths.get("gold") if entry else None) or self.compiled.default_path(
            name, "gold"
        )
        form = self.compiled.format_of(entry, "gold") if entry else "delta"
        try:
            state = self.state()
        except SfctlError:
            state = None  # the pin alone decides then
        try:
            table, info = certified(name, path, now=self.now, state=state, format=form)
        except SourceError as error:
            if error.code not in NOTHING_CERTIFIED:
                raise
            return None
        return table, form, info.version

    def _certified(self, dataset: str) -> pl.LazyFrame | None:
        found = self.certified(dataset)
        return None if found is None else found[0].scan(found[2])


def _always(rows: pl.LazyFrame | None, _rule: Rule) -> pl.LazyFrame | None:
    return rows


def _secrets(target: TargetEntry) -> frozenset[str]:
    """Return the variables that hold keys and passwords of the target."""

    def named(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("env"), str):
                yield value["env"]
            for each in value.values():
                yield from named(each)

    return frozenset({VARIABLE, *named(codec.plain(target))})
