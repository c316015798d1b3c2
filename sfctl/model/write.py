"""What one gated write leaves behind: the record in the table's own commit, and the answer."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sfctl.model.certificate import CertificationStatus, VersionKind
from sfctl.model.run import RunContext
from sfctl.model.verdict import GateResult, Judgement, PiiFinding, Result, RuleResult

Mode = Literal["append", "overwrite", "overwrite_partitions", "merge"]
Published = Literal["all", "good", "none"]
CommitKind = Literal["ours", "maintenance", "foreign"]
METADATA = "sfctl"
"""The name our record has in a commit's custom metadata."""


class Counts(msgspec.Struct, frozen=True):
    """Rows of one write.

    `rows_in = rows_good + rows_bad` is how they were judged; `rows_in = rows_published +
    rows_quarantined` is where they went; `rows_failed_published` of the published ones are bad.
    """

    rows_in: int
    rows_good: int
    rows_bad: int
    rows_published: int
    rows_failed_published: int
    rows_quarantined: int


class QuarantineRef(msgspec.Struct, frozen=True):
    """Where rows wait, and in which version of the quarantine table they arrived."""

    table: str
    version: int


class WriteRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is needed to finish a write from its commit alone: evidence, ledger, answer.

    `at` is the moment every event of the write carries and `seq` the number of its first one, so
    that a resumed write says exactly what the first attempt said.
    """

    write_key: str
    run: RunContext
    dataset_urn: str
    stage: str
    mode: Mode
    at: str
    judgement: Judgement
    counts: Counts
    published: Published
    kind: VersionKind
    over_limit: bool = False
    alert: str = "none"
    blocked: bool = False
    level: str = "G2"
    ordinal: int = 0
    partitions: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    quarantine: QuarantineRef | None = None
    findings: tuple[PiiFinding, ...] = ()
    row_keys: dict[str, tuple[str, ...]] = {}
    upstream: tuple[str, ...] = ()
    producer: dict[str, str] = {}
    replay_id: str = ""
    seq: int = 0
    view_before: CertificationStatus = "NEVER_CERTIFIED"
    certified_before: int | None = None
    """The certified view when the write began."""
    judged_after: dict[str, Any] = {}
    """For a version judged after its commit: the operation, which rows were judged, figures of
    the table's log."""


class Commit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a table as its own log tells it. `note` is our record as JSON, or empty.

    `rows` is how many the commit's own figures call new or changed, None where there are none.
    """

    version: int
    at: str
    operation: str
    kind: CommitKind
    note: str = ""
    rows: int | None = None


class WriteResult(msgspec.Struct, frozen=True):
    """What `sf.write` returns; `run --format json` prints it under `writes`.

    `published` tells whether the table has a version of this write, `published_rows` which rows
    went in. `certification` is the state of the certified view after it; None below gold.
    """

    dataset: str
    stage: str
    version: int | None
    rows_in: int
    rows_good: int
    rows_bad: int
    rows_published: int
    rows_failed_published: int
    rows_quarantined: int
    gates: tuple[GateResult, ...]
    published: bool
    certification: CertificationStatus | None
    run_id: str
    write_key: str
    mode: Mode
    verdict: Result
    published_rows: Published = "all"
    blocked: bool = False
    over_limit: bool = False
    alert: str = "none"
    level: str = "G2"
    already_published: bool = False
    certified_version: int | None = None
    certification_reasons: tuple[str, ...] = ()
    quarantine_table: str = ""
    policy_digest: str = ""
    rules: tuple[RuleResult, ...] = ()
    degraded: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    evidence_safe: bool = True
    fingerprints_computed: int = 0
    """How many of the schema's two fingerprints were not known from an earlier batch."""

    def __repr__(self) -> str:
        """Return one line, for notebooks and logs."""
        where = "not published" if self.version is None else f"version {self.version}"
        parts = [f"{self.dataset}#{self.stage} {where}: {self.verdict}", f"{self.rows_in} in"]
        parts += [f"{self.rows_published} published", f"{self.rows_quarantined} quarantined"]
        parts += [each for each in (self.certification, *self.degraded) if each]
        return f"<WriteResult {', '.join(parts)}>"
