"""Not the data: gates switched off, our own code degraded, evidence that never came."""

from __future__ import annotations

from collections.abc import Iterator

from sfctl.model.evidence import Evidence
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate, Reading
from sfctl.rca.case import Case, switched_off
from sfctl.rca.extent import stamp
from sfctl.rca.wording import moment

GAP = "EVIDENCE_INCOMPLETE"


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield what kept the gates from judging."""
    for name in case.run_names:
        events = case.log.run(name)
        degraded = [event for event in events if event.kind == "SDK_DEGRADED"]
        if degraded:
            where = str(degraded[0].payload.get("where") or "a step of ours")
            yield _of(case, f"Our own step {where} failed in run {name} and the job went on "
                      "without it", degraded, f"urn:run:{name}")  # fmt: skip
        skipped = [event for event in events if switched_off(event)]
        if skipped:
            yield _of(case, f"Gates were switched off for run {name}", skipped, f"urn:run:{name}")
    gaps = [signal for signal in case.signals if signal.signal_type == GAP]
    for signal in gaps[:1]:
        ref = f"urn:run:{signal.run_id}" if signal.run_id else signal.dataset_urn
        reason = f" ({signal.reason})" if signal.reason and signal.reason != GAP else ""
        links = readings.incident_links(case) | {"signal": True}
        yield Candidate(
            "INFRASTRUCTURE",
            ref,
            f"Evidence is missing since {moment(stamp(signal.timestamp))}{reason}: "
            "what was judged cannot be told.",
            stamp(signal.timestamp),
            {
                "between_good_and_bad": Reading(1.0, "it is what is missing", (signal.signal_id,)),
                "signature_match": Reading(1.0, f"the signal says {GAP}", (signal.signal_id,)),
                "path_completeness": readings.path(links, (signal.signal_id,)),
                "edge_confidence": Reading(1.0, "the log was counted", (signal.signal_id,)),
            },
            (ref, signal.signal_id),
            origin=ref,
            signature=GAP,
        )


def _of(case: Case, text: str, events: list[Evidence], ref: str) -> Candidate:
    refs = tuple(event.evidence_id for event in events[:3])
    at = stamp(events[0].timestamp)
    judged = [e for e in case.evidence if e.kind == "GATE" and e.result == "FAIL"]
    links = readings.incident_links(case) | {"event": True}
    return Candidate(
        "INFRASTRUCTURE",
        ref,
        f"{text} at {moment(at)}.",
        at,
        {
            "between_good_and_bad": Reading(1.0, "it happened in the run that failed", refs),
            "signature_match": Reading(0.9, "the run's own evidence says so", refs),
            "path_completeness": readings.path(links, refs),
            "edge_confidence": Reading(1.0, "the event itself says so", refs),
        },
        (ref, *refs),
        "the gates did judge, and found failures of the data" if judged else "",
        origin=ref,
        signature=case.texts[0] if case.texts else "",
    )
