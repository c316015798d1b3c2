"""What the drift engine keeps of a dataset: its last runs and windows, and what each showed.

Everything folds by minimum, maximum and union, so that order and repetition do not matter.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.engines.sighting import Sight
from sfctl.model.evidence import Evidence
from sfctl.model.signal import EVIDENCE_REFS

KEPT_SIGNATURES = 100
KEPT_CHANGES = 100


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signature in one run or window."""

    first: str
    failed: bool = False
    count: int = 1
    """The most that one event counted."""
    stages: tuple[str, ...] = ()
    """Where it failed."""
    schema: bool = False
    """Whether the schema gate named it."""
    source: str = ""
    """Since when its source has it, by the run's own summary."""
    refs: tuple[tuple[str, str], ...] = ()
    """Time and id of evidence, the oldest first."""
    producer: str = ""
    version: str = ""


class StageShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stage in one run: its fingerprint, and that of the rows its schema gate refused."""

    good: str = ""
    bad: str = ""
    passed: bool = False
    schema_failed: bool = False
    schema_passed: bool = False
    mode: str = ""
    changes: tuple[dict[str, Any], ...] = ()


class Showing(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run (`run_id`) or window of a dataset."""

    name: str
    start: str
    end: str
    run_id: str = ""
    over: bool = False
    summed: bool = False
    """Whether a gate's own summary, or the run's, was seen."""
    judged: bool = False
    anchor: str = ""
    """The start as first judged: what the ids of its signals are made of."""
    raised: tuple[str, ...] = ()
    """What was raised of it, by group."""
    shown: dict[str, Shown] = {}
    stages: dict[str, StageShown] = {}
    upstream: tuple[str, ...] = ()
    expected: dict[str, tuple[str, ...]] = {}
    more: int = 0
    """Sightings of signatures past the hundredth."""
    context: dict[str, str] = {}

    @property
    def failing(self) -> bool:
        """Whether anything failed."""
        return any(each.failed for each in self.shown.values()) or any(
            stage.schema_failed for stage in self.stages.values()
        )

    @property
    def good(self) -> bool:
        """Whether something was judged and nothing failed."""
        return not self.failing and any(stage.passed for stage in self.stages.values())


def with_sight(showing: Showing, event: Evidence, sight: Sight) -> Showing:
    """Take in what an event shows."""
    shown = dict(showing.shown)
    more = showing.more
    for failed, texts in ((True, sight.failing), (False, sight.warning)):
        for text, number in texts.items():
            if text not in shown and len(shown) >= KEPT_SIGNATURES:
                more += 1
                continue
            shown[text] = _shown(shown.get(text), event, sight, text, number, failed)
    stages = {**showing.stages, sight.stage: _stage(showing, event, sight)}
    return replace(
        showing,
        shown=shown,
        stages=stages,
        more=more,
        upstream=tuple(sorted({*showing.upstream, *sight.upstream})),
        expected={**showing.expected, **sight.expected} if sight.expected else showing.expected,
    )


def _shown(
    known: Shown | None, event: Evidence, sight: Sight, text: str, number: int, failed: bool
) -> Shown:
    at = event.timestamp
    was = known or Shown(first=at)
    refs = was.refs
    mine = (at, event.evidence_id)
    if mine not in refs and (len(refs) < EVIDENCE_REFS or mine < refs[-1]):
        refs = tuple(sorted({*refs, mine})[:EVIDENCE_REFS])
    told = sight.first_seen.get(text, "")
    who = tuple(str(event.producer.get(name) or "") for name in ("id", "version"))
    known_who = (was.producer, was.version)
    who = min(filter(any, (who, known_who)), default=known_who)
    stages = was.stages
    if failed and sight.stage not in stages:
        stages = tuple(sorted({*stages, sight.stage}))
    return replace(
        was,
        first=min(was.first, at),
        failed=was.failed or failed,
        count=max(was.count, number),
        stages=stages,
        schema=was.schema or (failed and text in sight.schema_codes),
        source=min(filter(None, (was.source, told)), default=""),
        refs=refs,
        producer=who[0],
        version=who[1],
    )


def _stage(showing: Showing, event: Evidence, sight: Sight) -> StageShown:
    was = showing.stages.get(sight.stage) or StageShown()
    mark = event.schema_fingerprint
    schema = sight.schema_failed
    return replace(
        was,
        good=was.good if schema else _least(was.good, mark if sight.passed else ""),
        bad=_least(was.bad, mark if schema or sight.failing else ""),
        passed=was.passed or sight.passed,
        schema_failed=was.schema_failed or schema,
        schema_passed=was.schema_passed or sight.schema_passed,
        mode=max(was.mode, sight.mode),
        changes=_union(was.changes, sight.changes),
    )


def _union(
    one: tuple[dict[str, Any], ...], other: tuple[dict[str, Any], ...]
) -> tuple[dict[str, Any], ...]:
    if not other or one == other:
        return one
    found = {_order(each): each for each in (*one, *other)}
    return tuple(found[key] for key in sorted(found)[:KEPT_CHANGES])


def _order(change: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(change.get(name) or "") for name in ("field", "change", "from", "to"))


def _least(one: str, other: str) -> str:
    return min(filter(None, (one, other)), default="")
