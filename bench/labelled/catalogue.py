"""All labelled incidents: which break, how deep a topology, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.labelled import batches, streams
from bench.labelled.streams import NO_CAUSE, Answer


@dataclass(frozen=True)
class Plan:
    """One incident to lay out on a chain of `depth` datasets."""

    name: str
    family: str
    depth: int
    lay_out: Callable[..., Answer]


def plans() -> tuple[Plan, ...]:
    """Return every plan; the place in the list is its seed."""
    return tuple(_plans())


def _plans() -> Iterator[Plan]:
    def of(family: str, depths: tuple[int, ...], lay_out: Any, **how: Any) -> Any:
        for depth in depths:
            said = ", ".join([f"depth {depth}", *(f"{k} {v}" for k, v in how.items())])
            name = f"{lay_out.__name__} ({said})"
            yield Plan(name, family, depth, partial(lay_out, **how))

    stream, batch = "stream, deployment", "batch, deployment"
    yield from of(stream, (1, 2, 4, 6), streams.versioned)
    yield from of(stream, (3,), streams.versioned, gap=1)
    yield from of(stream, (2,), streams.versioned, gap=280, decoys=False)
    yield from of(stream, (1, 3), streams.versionless)
    yield from of(stream, (2, 5), streams.versionless, named=False)
    yield from of(stream, (2,), streams.rollback)
    yield from of(stream, (3,), streams.rollback, earlier=True)
    yield from of(stream, (1,), streams.rollback, versions=False, earlier=True)
    yield from of(stream, (2,), streams.close_together)
    yield from of(stream, (2,), streams.close_together, first=True)
    yield from of(stream, (2,), streams.close_together, versions=False)
    yield from of(stream, (1, 3), streams.two_services, second=True)
    yield from of(stream, (2,), streams.two_services, second=False)
    yield from of(stream, (2,), streams.twin)
    yield from of(stream, (2,), streams.told_late)
    yield from of(stream, (3,), streams.told_late, versions=False)
    yield from of(stream, (2,), streams.canary)
    yield from of(stream, (2,), streams.again)
    yield from of(stream, (3,), streams.again, versions=False)
    yield from of(batch, (3,), batches.schema_break, recoded=True)
    yield from of(stream, (3,), streams.slow_burn, hours=6)
    yield from of(stream, (1,), streams.staging_first)
    yield from of(stream, (4,), streams.staging_first, versions=False)
    yield from of(batch, (2, 3, 4, 5, 6), batches.schema_break)
    yield from of(batch, (2,), batches.schema_break, gap=20.0)
    yield from of(batch, (3,), batches.named_source)
    yield from of(batch, (2, 4), batches.job_deployed, version="r2")
    yield from of(batch, (3,), batches.job_deployed, version="r0")
    yield from of("upstream change", (2, 3, 5), batches.new_value)
    yield from of("upstream change", (2, 4), batches.new_value, owned=False)
    yield from of("upstream change", (3,), batches.new_value, version="v2")
    yield from of(batch, (2, 4), batches.new_value, version="v2", deployed=True)
    yield from of("upstream change", (2, 4), batches.new_shape)
    yield from of("upstream change", (3,), batches.new_shape, owned=False)
    yield from of("upstream data", (3, 5), batches.bad_above)
    yield from of("upstream data", (4,), batches.bad_above, deployed=True)
    yield from of("upstream data", (2, 3), batches.late_above)
    yield from of("job", (2, 3, 6), batches.own_error)
    yield from of("job", (2,), batches.own_error, reason="NULL_REF:customer", owner=False)
    yield from of("job", (2, 4), batches.not_started)
    yield from of("job", (2, 3), batches.slow)
    yield from of("our change", (2, 4), batches.new_code)
    yield from of("our change", (3,), batches.new_code, source=True)
    yield from of("our change", (2,), batches.new_code, fails=True)
    yield from of("our change", (2, 5), batches.new_policy)
    yield from of("our change", (3,), batches.new_policy, source=True)
    yield from of("infrastructure", (2, 3), batches.switched_off)
    yield from of("infrastructure", (3,), batches.switched_off, missing=True)
    yield from of("infrastructure", (2,), batches.degraded, where="gates")
    yield from of("infrastructure", (4,), batches.degraded, where="profile")
    for decoy in ("none", "strangers", "staging", "later", "long ago", "another version", "all"):
        yield from of(NO_CAUSE, (2,), streams.nothing_known, decoy=decoy)
    yield from of(NO_CAUSE, (2,), streams.good_since, hours=6)
    yield from of(NO_CAUSE, (3,), streams.good_since, hours=18, named=False)
    yield from of(NO_CAUSE, (2, 5), batches.cleared_source)
    yield from of(NO_CAUSE, (3,), batches.no_lineage)
    yield from of(NO_CAUSE, (7,), batches.too_far)
