"""One dataset with a policy, a lake and every port as it is in the product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from sfctl.clock import Clock, FixedClock
from sfctl.evidence.outbox import Outbox
from sfctl.model import codec
from sfctl.model.expr import Compare, Constant, Field
from sfctl.model.policy import (
    Batch,
    ColumnSpec,
    Detection,
    Enforcement,
    Policy,
    RowCheck,
    Rule,
    SchemaPolicy,
)
from sfctl.model.run import RunContext
from sfctl.model.types import parse
from sfctl.model.write import WriteResult
from sfctl.runtime import seal
from sfctl.runtime.core.judge import judge
from sfctl.runtime.core.split import split
from sfctl.runtime.pii import actions, keys
from sfctl.runtime.publishing.publish import publish
from sfctl.runtime.publishing.quarantine import Quarantine
from sfctl.runtime.publishing.request import Ports, PublishRequest
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Table
from sfctl.state.embedded import EmbeddedState

URN = "urn:dp:curated:orders"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AMOUNT = Compare(">=", Field(("amount",), parse("DOUBLE")), Constant("0", parse("INT64")))


def positive(**more: Any) -> Rule:
    """A row rule: amounts are not negative."""
    return Rule(
        "positive", "range", "DQ", RowCheck(AMOUNT), "RANGE_VIOLATION:amount", fields=("amount",),
        **more,
    )  # fmt: skip


def at_least(rows: int, maximum: int | None = None) -> Rule:
    """A batch rule: no fewer rows than this, and no more than `maximum`."""
    most = None if maximum is None else str(maximum)
    check = Batch("row_count", minimum=str(rows), maximum=most)
    return Rule("rows", "row_count", "DQ", check, "ROW_COUNT")


def policy(
    level: str = "G2",
    share: str = "0.5",
    rules: tuple[Rule, ...] | None = None,
    pii: tuple[Detection, ...] = (),
    columns: tuple[ColumnSpec, ...] = (),
    **more: Any,
) -> Policy:
    """The dataset's policy, with its digest."""
    made = Policy(
        URN,
        "orders",
        tier=1,
        rules=(positive(),) if rules is None else rules,
        pii=pii,
        schema=SchemaPolicy(columns=columns),
        enforcement=Enforcement(level=level, max_quarantine_share=share),  # type: ignore[arg-type]
        primary_key=("id",),
        **more,
    )
    return msgspec.structs.replace(made, digest=codec.digest(made))


def batch(*amounts: float, start: int = 0) -> pl.DataFrame:
    """Rows with ids from `start`; a negative amount is a bad row."""
    ids = range(start, start + len(amounts))
    return pl.DataFrame(
        {"id": list(ids), "amount": list(amounts), "note": [f"a{i}@example.org" for i in ids]},
        schema={"id": pl.Int64, "amount": pl.Float64, "note": pl.String},
    )


@dataclass
class Rig:
    """A lake in a folder, and what a run of the product would stand on."""

    root: Path
    format: str = "delta"
    environment: str = "dev"
    reached: Callable[[str], None] = lambda _step: None
    clock: Clock = field(default_factory=lambda: FixedClock(NOW))
    run_id: str = "run"
    lake: Path | None = None
    """Where tables are, if not below `root`."""

    @property
    def store(self) -> Path:
        return self.root / ".sfctl"

    @property
    def path(self) -> str:
        return str((self.lake or self.root / "lake") / "gold" / "orders")

    @property
    def quarantine_path(self) -> str:
        return str((self.lake or self.root / "lake") / "_quarantine" / "orders")

    @property
    def private_key(self) -> bytes:
        return seal.read_key(seal.create_keys(self.store)[1])

    def ports(self, **changes: Any) -> Ports:
        public, _ = seal.create_keys(self.store)
        keys.create(self.store)
        made: dict[str, Any] = {
            "judge": lambda frame, policy, stage: judge(frame, policy, stage, now=NOW),
            "split": lambda frame, policy, stage, judgement: split(
                frame, policy, stage, judgement=judgement
            ),
            "act": lambda frame, found: actions.apply(frame, found, lambda: keys.load(self.store)),
            "state": EmbeddedState(self.store / "state.db"),
            "evidence": Outbox(self.store / "outbox", self.run_id),
            "clock": self.clock,
            "environment": self.environment,
            "store": self.store,
            "public_key": lambda: seal.read_key(public),
            "reached": self.reached,
            "lock_seconds": 5.0,
        }
        return Ports(**{**made, **changes})

    def request(self, frame: pl.DataFrame, by: Policy, day: int = 1, **more: Any) -> PublishRequest:
        date = f"2026-11-{day:02d}"
        run = RunContext(
            more.pop("run_id", f"run-{date}"),
            job="load",
            logical_date=date,
            started_at=f"{date}T00:00:00Z",
            attempt=more.pop("attempt", 0),
        )
        return PublishRequest(
            frame=frame, policy=by, run=run, stage=more.pop("stage", "gold"), path=self.path,
            quarantine_path=self.quarantine_path, format=self.format, **more,
        )  # fmt: skip

    def write(
        self, frame: pl.DataFrame, by: Policy | None = None, day: int = 1, **more: Any
    ) -> WriteResult:
        """Publish one day's batch through fresh ports."""
        ports = self.ports(**more.pop("ports", {}))
        try:
            return publish(self.request(frame, by or policy(), day, **more), ports)
        finally:
            ports.state.close()
            ports.evidence.close()  # type: ignore[attr-defined]

    def table(self) -> Table:
        return open_table(self.path, self.format)

    def ids(self, version: int | None = None) -> list[int]:
        """The ids in a version of the table, sorted."""
        if self.table().head() is None:
            return []
        found: list[int] = self.table().scan(version).select("id").collect()["id"].to_list()
        return sorted(found)

    def quarantine(self) -> Quarantine:
        return Quarantine(self.quarantine_path, URN)

    def held_ids(self, *states: str) -> list[int]:
        """The ids that wait in quarantine, sorted."""
        store = self.quarantine()
        return sorted(
            number
            for held in store.held(states or ("held",))
            for number in store.rows(held.write_key, states=(held.state,))["id"].to_list()
        )

    def events(self) -> list[dict[str, Any]]:
        """Everything in the outbox, one JSON object an event."""
        lines: list[bytes] = []
        for file in sorted((self.store / "outbox").iterdir()):
            lines += file.read_bytes().splitlines()
        return [codec.decode(line.partition(b" ")[2], dict[str, Any]) for line in lines]
