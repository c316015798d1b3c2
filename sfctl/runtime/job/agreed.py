"""What a dataset is agreed to look like, as a run asks for it: registered, else as compiled.

Whatever goes wrong with the registry costs a warning in the evidence, never the job.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sfctl.model import urn
from sfctl.model.policy import GATES_OF_STAGE, Policy
from sfctl.model.schema import Schema
from sfctl.runtime.core.schema_gate import expected_by
from sfctl.runtime.core.schema_of import of_specs
from sfctl.runtime.core.standard import Marks, Standard, computed
from sfctl.runtime.job.failopen import reason_of, show
from sfctl.runtime.job.remembered import Remembered, key_of, recall, remember
from sfctl.runtime.publishing.request import PublishRequest

if TYPE_CHECKING:
    from sfctl.registry.cached import Known

Latest = Callable[[str, datetime], "Known"]
"""From a subject and the time to what the registry is known to say. May raise."""


class Agreed:
    """One dataset at one stage. `store` is `.sfctl`, `format` the table's, `now` the write's time.

    `policy` is None where only rows are read and none is at hand. With `signed_only`, as on prod,
    a baseline that was approved with its policy stands before a schema registered since.
    """

    def __init__(
        self,
        dataset_urn: str,
        stage: str,
        policy: Policy | None,
        *,
        store: Path,
        format: str,
        now: datetime,
        latest: Latest,
        signed_only: bool = False,
    ) -> None:
        self._urn, self._stage, self._policy = dataset_urn, stage, policy
        self._format, self._now, self._latest = format, now, latest
        self._signed_only = signed_only
        self._file = store / "fingerprints" / f"{urn.slug(dataset_urn)}.json"
        self._shape = ""
        self._known: dict[str, tuple[str, str]] = {}
        self._basis = policy.digest if policy else ""

    @classmethod
    def of_write(
        cls,
        request: PublishRequest,
        store: Path,
        now: datetime,
        latest: Latest,
        *,
        environment: str,
    ) -> Agreed:
        """Return what the rows of a write are held to."""
        return cls(
            request.dataset_urn,
            request.stage,
            request.policy,
            store=store,
            format=request.format,
            now=now,
            latest=latest,
            signed_only=environment == "prod",
        )

    @cached_property
    def standard(self) -> Standard:
        """What G3 compares with; asked for once, and never raised from."""
        if "G3_SCHEMA" not in GATES_OF_STAGE.get(self._stage, ()):
            return Standard()
        try:
            return self._standard()
        except Exception as error:  # noqa: BLE001  whatever the registry does, rows are judged
            show(error)
            return Standard(stale=reason_of(error))

    def _standard(self) -> Standard:
        known = self._latest(self._urn, self._now)
        found = known.registered
        before = self._before
        if found is None or self._unapproved(found.fingerprint):
            return Standard(
                stale=known.trouble,
                as_of=known.answered_at,
                formats=(before.format, self._format),
                shape=before.shape,
                unapproved=found.version if found else 0,
            )
        self._basis = found.fingerprint
        if not before.format:
            before = Remembered(found.formats.get(self._stage, ""), found.shape)
        return Standard(
            found.schema(),
            f"registered version {found.version}",
            stale=known.trouble,
            as_of=known.answered_at,
            formats=(before.format, self._format),
            shape=before.shape,
        )

    def _unapproved(self, fingerprint: str) -> bool:
        if not self._signed_only or self._policy is None:
            return False
        baseline = self._policy.schema.baseline
        return baseline is not None and of_specs(baseline).fingerprint() != fingerprint

    def marks(self, seen: Schema, known: Schema) -> Marks:
        """Return the fingerprints of rows, from before where the same columns were seen before."""
        key = key_of(seen, self._basis)
        before = self._before.known.get(key)
        found = Marks(*before, 0) if before is not None else computed(seen, known)
        self._known[key] = (found.fingerprint, found.shape)
        self._shape = found.shape
        return found

    def of_read(self, seen: Schema) -> Marks:
        """Return the fingerprints of rows that were read, as their writer saw them."""
        schema = self._policy.schema if self._policy is not None else None
        known = expected_by(schema, self.standard) if schema else self.standard.schema
        return self.marks(seen, known or Schema(()))

    def keep(self, *, published: bool) -> None:
        """Remember the fingerprints, and the table's format where rows went into it."""
        if not self._known:
            return
        before, marks = self._before, {**self._before.known, **self._known}
        last = (self._format, self._shape) if published else (before.format, before.shape)
        try:
            remember(self._file, self._stage, Remembered(*last, marks))
        except Exception as error:  # noqa: BLE001  the rows are written already
            show(error)

    @cached_property
    def _before(self) -> Remembered:
        return recall(self._file, self._stage)
