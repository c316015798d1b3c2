"""What a run reads: each version into evidence, and upstream of what is written afterwards."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sfctl.clock import Clock
from sfctl.errors import SfctlError
from sfctl.model import facts, topology, urn
from sfctl.model.resolver import Resolver, is_orphan
from sfctl.model.schema import Schema
from sfctl.runtime.core.standard import Marks, computed
from sfctl.runtime.job import failopen
from sfctl.runtime.job.active import Active
from sfctl.runtime.job.agreed import Agreed
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.spark import plans, session
from sfctl.runtime.spark.fitting import absolute as spelled
from sfctl.runtime.spark.plans import Source
from sfctl.runtime.tables import counted

if TYPE_CHECKING:
    from sfctl.registry.cached import Known

COUNTING_S = 5.0
"""How long the log of an input may take to say how many rows its version has."""


@dataclass
class Inputs:
    """Keeps account of what a process reads in a project. `latest` asks the schema registry."""

    compiled: Compiled
    clock: Clock
    latest: Callable[[str, datetime], Known]

    def read(
        self,
        active: Active,
        dataset: str,
        stage: str,
        version: int,
        rows: int | None,
        columns: Schema,
    ) -> None:
        """Put on record what was read through us."""
        _is_first(active, dataset, stage, version)
        self._tell(active, dataset, stage, version, rows, columns)
        active.has_read(urn.with_stage(dataset, stage), rows or 0)

    def captured(self, active: Active, frame: object) -> None:
        """Put on record what a frame of Spark reads, each version that the run did not name yet.

        A name that no dataset has stays what the resolver makes of it. Where this fails the rows
        are written still. Raises UsageError SF890 to SF892 for frames that cannot be written.
        """
        if not session.is_frame(frame):
            return
        usable = session.require_frame(frame)
        try:
            self._saw(active, plans.sources(usable))
        except Exception as error:  # noqa: BLE001  lineage is never worth a write
            failopen.show(error)
            active.suffered("reads", failopen.reason_of(error))

    def _saw(self, active: Active, sources: Iterable[Source]) -> None:
        for source in sources:
            dataset, stage = self._named(source)
            rows = None
            if _is_first(active, dataset, stage, source.version):
                rows = _rows(source, known=urn.is_dataset(dataset))
                more = {"table": source.table} if source.table else {}
                self._tell(
                    active, dataset, stage, source.version, rows, source.columns,
                    captured="plan", format=source.format, **more,
                )  # fmt: skip
            active.has_read(f"{dataset}#{stage}" if stage else dataset, rows or 0)

    def _tell(
        self,
        active: Active,
        dataset: str,
        stage: str,
        version: int | None,
        rows: int | None,
        columns: Schema | None,
        **more: Any,
    ) -> None:
        marks = self._marks(dataset, stage, columns) if columns else None
        active.sink.append(
            facts.dataset_read(
                active.run,
                self.clock.now(),
                dataset_urn=dataset,
                stage=stage,
                version=version,
                rows=rows,
                schema_fingerprint=marks.fingerprint if marks else "",
                ordinal=active.journal.claim(f"read.{_slug(dataset)}.{stage}"),
                seq=active.reserve(1),
                **more,
            )
        )
        told = {"dataset": dataset, "stage": stage, "rows": rows or 0}
        with contextlib.suppress(OSError):
            computed_now = marks.computed if marks else 0
            active.journal.note("read", {**told, "fingerprints_computed": computed_now})

    def _marks(self, dataset: str, stage: str, columns: Schema) -> Marks:
        """Return the fingerprints that the rows had when they were written."""
        entry, policy = self.compiled.dataset(dataset), None
        if not urn.is_dataset(dataset):
            return computed(columns, columns)
        if entry is not None and entry.policy:
            with contextlib.suppress(SfctlError):
                policy = self.compiled.policy(entry)[0]
        form = self.compiled.format_of(entry, stage) if entry else "delta"
        agreed = Agreed(
            dataset, stage, policy,
            store=self.compiled.store, format=form, now=self.clock.now(), latest=self.latest,
            signed_only=self.compiled.manifest.target.environment == "prod",
        )  # fmt: skip
        marks = agreed.of_read(columns)
        agreed.keep(published=False)
        return marks

    def _named(self, source: Source) -> tuple[str, str]:
        """Return the dataset and stage that a source is, a name of its own where it is none."""
        place = spelled(source.place) if "/" in source.place else source.place
        scheme, mark, rest = place.partition("://")
        host, _, key = rest.partition("/")
        namespace, name = (f"{scheme}://{host}", key) if mark else ("file", place)
        found = self._resolver.dataset(namespace, name)
        if is_orphan(found) and source.table:
            by_name = self._resolver.dataset("", source.table.rpartition(".")[2])
            found = found if is_orphan(by_name) else by_name
        if not urn.is_dataset(found):
            return found, ""
        return urn.without_stage(found), found.partition("#")[2]

    @cached_property
    def _resolver(self) -> Resolver:
        return Resolver(topology.of(self.compiled.manifest))


def _is_first(active: Active, dataset: str, stage: str, version: int | None) -> bool:
    """Tell whether nobody in this run has claimed a version yet, and claim it."""
    name = f"input.{_digest(f'{dataset}#{stage}@{version}')}"
    try:
        return active.journal.claim(name) == 0
    except OSError:
        return True


def _rows(source: Source, *, known: bool) -> int | None:
    """Return what the log tells; where nothing is ours on an object store, it is not asked."""
    version = source.version
    if version is None or ("://" in source.place and not known):
        return None
    try:
        return failopen.within(
            COUNTING_S, lambda: counted.rows(source.place, source.format, version)
        )
    except (SfctlError, failopen.Overdue, failopen.Crashed):
        return None


def _slug(name: str) -> str:
    return urn.slug(name) if urn.is_dataset(name) else _digest(name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]
