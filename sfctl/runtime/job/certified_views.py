"""The certified views of Spark SQL, brought to the pins of a project's gold tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfctl.model.manifest import DatasetEntry
from sfctl.runtime.job import failopen
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.publishing.certified import current_pin
from sfctl.runtime.spark import session, views
from sfctl.runtime.spark.views import Pinned
from sfctl.runtime.tables.formats import open_table
from sfctl.state.port import StateStore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STAGE = "gold"


@dataclass
class Brought:
    """What the views show now, by name; None is the newest version. `faults` by dataset."""

    versions: dict[str, int | None] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def bring(
    compiled: Compiled,
    spark: SparkSession,
    state: Callable[[], StateStore | None],
    entries: Iterable[DatasetEntry] | None = None,
) -> Brought:
    """Create or move the views of some datasets, all without any.

    What goes wrong with one dataset is told in `faults` and leaves its view as it is.
    """
    done = Brought()
    if not session.has_delta(spark):
        return done
    names = views.names_of(compiled.manifest.datasets.values())
    for entry in compiled.manifest.datasets.values() if entries is None else entries:
        path = entry.paths.get(STAGE, "")
        if not path or compiled.format_of(entry, STAGE) != "delta":
            continue
        try:
            for shown in _of_dataset(spark, entry, path, state, names):
                done.versions[shown.view] = shown.version
        except Exception as error:  # noqa: BLE001  a view may lag; no job falls over it
            failopen.show(error)
            done.faults[entry.urn] = failopen.reason_of(error)
    return done


def _of_dataset(
    spark: SparkSession,
    entry: DatasetEntry,
    path: str,
    state: Callable[[], StateStore | None],
    names: dict[str, str],
) -> list[views.Shown]:
    present = open_table(path).identity()

    def pinned() -> Pinned | None:
        known = current_pin(
            entry.urn, path, state(), format="delta", tier=entry.tier, on_stale=entry.on_stale
        )
        if known is None or known.last_certified_version is None:
            return None
        if known.table and known.table != present:  # certified was what lay here before
            return None
        return Pinned(
            known.last_certified_version,
            known.generation,
            known.last_certified_at,
            known.certification_status,
            present,
        )

    if pinned() is None:
        views.withdraw(spark, entry)
        return []
    return views.follow(spark, entry, path, pinned, names)
