"""The policy engine: were the rules those that somebody approved?

One cell a dataset. A run that met a policy which does not count (altered, signed with a key that is
not trusted or was revoked) makes it CRITICAL, whatever its rows are: nobody knows by which rules
they were judged. A draft that merely waits for its approval is no matter of this engine. It is OK
again with the first write of a later run that had nothing to say against its policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from sfctl.clock import parse_instant
from sfctl.engines.engine import Cell, Step
from sfctl.engines.memo import Memo, amended
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Failure, Signal, SignalState, State, Window

NAME = "policy"


class PolicyCell(Cell, frozen=True, omit_defaults=True):
    """The run that met a rejected policy last, and what was said of it."""

    dataset: str
    rejected_at: str = ""
    rejected_run: str = ""
    memo: Memo = Memo()


class PolicyEngine:
    """Rejected policies, and their return to order."""

    name = NAME
    cell = PolicyCell

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the dataset whose policy was rejected, or that was written."""
        judged = event.kind == "DatasetWriteCommitted" and event.policy_digest
        rejected = event.kind == "POLICY" and event.payload.get("action") == "rejected"
        return (event.dataset_urn,) if event.dataset_urn and (judged or rejected) else ()

    def fresh(self, key: str) -> PolicyCell:
        """Return a dataset whose policy nobody complained of."""
        return PolicyCell(key)

    def fold(self, cell: PolicyCell, event: Evidence) -> Step[PolicyCell]:
        """Complain of a rejection, and be content with a later run's write."""
        if event.kind == "CONFIG":
            return Step(cell)
        if event.kind == "POLICY":
            at = max(cell.rejected_at, event.timestamp)
            cell = replace(cell, rejected_at=at, rejected_run=event.run_id)
            return self._said(cell, event, "CRITICAL")
        healed = event.timestamp > cell.rejected_at and event.run_id != cell.rejected_run
        if not cell.rejected_at or not healed:
            return Step(cell)
        return self._said(replace(cell, rejected_at="", rejected_run=""), event, "OK")

    def tick(self, cell: PolicyCell, now: datetime) -> Step[PolicyCell]:  # noqa: ARG002
        """Do nothing: nothing becomes due."""
        return Step(cell)

    def next_deadline(self, cell: PolicyCell) -> datetime | None:  # noqa: ARG002
        """Return None: nothing becomes due."""
        return None

    def status(self, cell: PolicyCell) -> tuple[SignalState, ...]:
        """Return the last word on the dataset."""
        return cell.memo.status

    def _said(self, cell: PolicyCell, event: Evidence, state: State) -> Step[PolicyCell]:
        at = event.timestamp
        why = str(event.payload.get("because") or "") if state != "OK" else ""
        failure = Failure(f"POLICY_REJECTED:{why or 'unknown'}", 1, at)
        signal = Signal(
            signal_id=signal_id(parse_instant(at), NAME, cell.dataset, event.run_id, state),
            signal_type="POLICY_REJECTED",
            dataset_urn=cell.dataset,
            state=state,
            timestamp=at,
            window=Window(at, at),
            engine=NAME,
            reason=why.upper(),
            job_urn=event.job_urn,
            run_id=event.run_id,
            dag_id=event.dag_id,
            dag_run_id=event.dag_run_id,
            details={"policy_digest": event.policy_digest} if event.policy_digest else {},
            top_failures=(failure,) if state != "OK" else (),
            evidence_refs=(event.evidence_id,),
            batch_context={"run_id": event.run_id} if event.run_id else {},
        )
        memo, fallen = amended(cell.memo, signal, f"{at}|{event.run_id}")
        return Step(replace(cell, memo=memo), tuple(fallen))


ENGINE = PolicyEngine()
