"""What a sitecustomize (in hook/) asks before each batch write of a job that knows nothing of us.

What belongs to a dataset goes through `sf.write`. What cannot be repeated to the letter is left to
Spark and judged after its commit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from sfctl.model.manifest import DatasetEntry, Manifest
    from sfctl.runtime.job.sdk import Session
    from sfctl.runtime.spark.asked import Call
    from sfctl.runtime.spark.fitting import Fitting


class JobsOwn(Exception):
    """Carries what the job's own plan raised, which the job is to hear as it is."""


def write(
    frame: DataFrame,
    method: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    calls: Sequence[Call],
) -> bool:
    """Do a write in the job's stead, where it can be done to the letter; say whether it was.

    Refused by enforcement it is done all the same: the rows are held back, which is on record.
    Raises what is a fault of ours, with nothing written, and JobsOwn.
    """
    from sfctl import wiring
    from sfctl.runtime.spark import fitting
    from sfctl.runtime.spark.asked import asked

    wish = asked(method, args, kwargs, calls)
    path = fitting.located(frame.sparkSession, wish)
    if not path:
        return False
    session = wiring.session()
    entry, stage = _dataset(session.compiled.manifest, path)
    if entry is None:
        return False
    try:
        fitted = fitting.fitted(frame, wish, path)
    except fitting.Unfit as reason:
        if said := str(reason):
            _leave(session, entry, stage, said)
        return False
    return _write(session, entry, stage, fitted)


def _write(session: Session, entry: DatasetEntry, stage: str, fitted: Fitting) -> bool:
    from sfctl.errors import PublishBlocked, SfctlError
    from sfctl.runtime.job.failopen import is_fault, show

    trail: dict[str, Any] = {}
    fault: BaseException | None = None
    try:
        session.write(
            fitted.frame, entry.urn, stage=stage, mode=fitted.mode, partition={}, trail=trail,
            partition_by=fitted.partition_by,
        )  # fmt: skip
    except PublishBlocked:
        return True
    except BaseException as error:
        if not is_fault(error):
            raise
        fault = error
    if fault is None:
        return True
    show(fault)
    if trail.get("answer") is fault and not isinstance(fault, SfctlError):
        raise JobsOwn(fault)
    if trail.get("answer") is not None:
        _leave(session, entry, stage, getattr(fault, "code", type(fault).__name__))
        return False
    if trail.get("settled") or entry.acted or entry.acts_on_all_strings:
        return _last_line(fault, entry, stage, fitted, trail)
    raise fault


def _last_line(
    fault: BaseException, entry: DatasetEntry, stage: str, fitted: Fitting, trail: dict[str, Any]
) -> bool:
    """Do what the last line of defence does: no acted column leaves in the clear."""
    import sfctl

    sfctl._LastLine("write", fault, entry.urn, stage, trail).write(
        fitted.frame, fitted.mode, {}, None
    )
    return True


def _dataset(manifest: Manifest, path: str) -> tuple[DatasetEntry | None, str]:
    """Return the dataset and stage whose table lies at a path."""
    from sfctl.runtime.spark.fitting import absolute

    for entry in manifest.datasets.values():
        for stage, own in entry.paths.items():
            if absolute(own) == path and (entry.formats.get(stage) or entry.format) == "delta":
                return entry, stage
    return None, ""


def _leave(session: Session, entry: DatasetEntry, stage: str, reason: str) -> None:
    """Say once a run that a dataset's write was left to Spark, and why."""
    from sfctl.runtime.spark.instrument import LEFT

    notes = session.active().journal
    told = {"dataset": entry.urn, "stage": stage, "reason": reason, "code": "SF894"}
    with contextlib.suppress(OSError):
        if told not in notes.entries(LEFT):
            notes.note(LEFT, told)
