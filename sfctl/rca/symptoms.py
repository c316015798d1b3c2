"""Signals and signatures as analysis reads them: in full from the log, else from the graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sfctl.model import urn
from sfctl.model.graph import Node
from sfctl.model.signal import SEVERITY, Failure, Signal, Window
from sfctl.rca.log import Log
from sfctl.rca.traversal import Tracer

GOOD = "OK"


class Signature(msgspec.Struct, frozen=True):
    """A failure as one dataset shows it. `table` is the dataset, with its stage if it has one."""

    id: str
    text: str
    table: str
    first_seen: str = ""
    last_seen: str = ""
    count: int = 0
    first_evidence: str = ""

    @property
    def reason(self) -> str:
        """The reason alone: MISSING_FIELD."""
        return self.text.partition(":")[0]

    @property
    def field(self) -> str:
        """The field it speaks of, empty where it speaks of none."""
        return self.text.split(":")[1] if ":" in self.text else ""

    @property
    def is_of_the_job(self) -> bool:
        """Whether it speaks of a run or its schedule, and not of data."""
        return self.reason.startswith(("JOB_", "NULL_REF"))

    @property
    def detail(self) -> str:
        """What stands behind the field: a value, types, a kind."""
        return ":".join(self.text.split(":")[2:])


def signature_of(node: Node) -> Signature:
    """Read a FailureSignature node."""
    props = node.props
    table = str(props.get("table_urn") or props.get("dataset_urn") or "")
    text = str(props.get("reason_code") or props.get("signature") or "")
    if not text:
        head, mark, tail = node.id.partition(":urn:")
        text, table = head, table or (f"urn:{tail}" if mark else "")
    stage = str(props.get("stage") or "")
    if stage and table and "#" not in table and urn.is_dataset(table):
        table = urn.with_stage(table, stage)
    return Signature(
        node.id,
        text,
        table,
        str(props.get("first_seen") or ""),
        str(props.get("last_seen") or ""),
        _whole(props.get("occurrence_count") or props.get("total") or props.get("count")),
        str(props.get("first_evidence") or ""),
    )


def signal_of(id: str, tracer: Tracer, log: Log) -> Signal | None:
    """Return a signal by its id, or None where neither the log nor the graph knows it."""
    found = log.signal(id)
    if found is not None:
        return found
    node = tracer.node(id)
    if node is None or node.label not in ("Signal", ""):
        return None
    props = node.props
    at = str(props.get("timestamp") or props.get("window_end") or "")
    affected = [e.target for e in tracer.edges("which dataset?", id, "out", ["AFFECTS"])]
    signature = str(props.get("signature") or props.get("failure_signature") or "")
    return Signal(
        signal_id=id,
        signal_type=str(props.get("signal_type") or props.get("type") or ""),
        dataset_urn=str(props.get("dataset_urn") or (affected[0] if affected else "")),
        state=_state(props.get("state")),
        timestamp=at,
        window=Window(
            str(props.get("window_start") or at),
            str(props.get("window_end") or at),
            "TUMBLING_5MIN" if props.get("window_type") == "TUMBLING_5MIN" else "BATCH_RUN",
        ),
        stage=str(props.get("stage") or ""),
        reason=str(props.get("reason") or ""),
        job_urn=str(props.get("job_urn") or ""),
        run_id=str(props.get("run_id") or ""),
        metrics={k: props[k] for k in _METRICS if k in props},
        top_failures=(Failure(signature, _whole(props.get("fail_count"))),) if signature else (),
        evidence_refs=tuple(map(str, _listed(props.get("evidence_refs")))),
    )


def troubled(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Return, per dataset, engine and type, what is wrong since it last was good."""
    streaks: dict[tuple[str, str, str], list[Signal]] = {}
    for signal in in_order(signals):
        key = (signal.dataset_urn, signal.stage, signal.signal_type)
        if signal.state == GOOD:
            streaks[key] = []
        else:
            streaks.setdefault(key, []).append(signal)
    return in_order(signal for streak in streaks.values() for signal in streak)


def last_trouble(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Return what is wrong, or else the newest of what once was."""
    listed = in_order(signals)
    bad = [signal for signal in listed if signal.state != GOOD]
    return troubled(listed) or tuple(bad[-1:])


def in_order(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Return signals by time, then by id."""
    return tuple(sorted(signals, key=lambda s: (s.timestamp or s.window.end, s.signal_id)))


def table_of(dataset: str, stage: str) -> str:
    """Return the id of a dataset's node, that of its stage table where a stage is known."""
    if stage and "#" not in dataset and urn.is_dataset(dataset):
        return urn.with_stage(dataset, stage)
    return dataset


_METRICS = (
    "evidence_count",
    "pass_count",
    "fail_count",
    "records_processed",
    "records_passed",
    "records_failed",
    "compliance_rate",
    "slo_threshold",
)


def _state(value: object) -> Any:
    return value if value in SEVERITY else "UNKNOWN"


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
