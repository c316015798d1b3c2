"""What those who read certified data have while this lasts: which version, how old."""

from __future__ import annotations

from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.explanation import Claim
from sfctl.rca.case import Case
from sfctl.rca.extent import stamp
from sfctl.rca.log import seconds_between
from sfctl.rca.wording import moment, name_of, span_of_time


def readers(case: Case) -> tuple[Claim, ...]:
    """Return, per dataset that failed, the certified version that readers still get."""
    claims = []
    for dataset in sorted({urn.without_stage(t) for t in (case.home, *case.tables)}):
        events = [
            e for e in case.log.of(dataset, "CERTIFICATION")
            if e.payload.get("certification_status")
        ]  # fmt: skip
        claim = _of(case, dataset, events)
        if claim is not None:
            claims.append(claim)
    return tuple(claims)


def certified(events: list[Evidence]) -> Evidence | None:
    """Return the event that certified what the newest one says is certified."""
    if not events:
        return None
    version = events[-1].payload.get("certified_version")
    found = [
        event
        for event in events
        if event.payload.get("certification_status") == "CERTIFIED"
        and event.payload.get("certified_version") == version
    ]
    return found[-1] if found else None


def _of(case: Case, dataset: str, events: list[Evidence]) -> Claim | None:
    if not events:
        return None
    last, good = events[-1], certified(events)
    if last.payload.get("certification_status") == "CERTIFIED" and good is not None:
        return Claim(
            f"Readers of {name_of(dataset)} have certified version "
            f"{good.payload.get('certified_version')} of {moment(stamp(good.timestamp))}; "
            "it was certified after this trouble."
            if stamp(good.timestamp) > case.span.first_bad
            else f"Readers of {name_of(dataset)} have certified version "
            f"{good.payload.get('certified_version')} of {moment(stamp(good.timestamp))}.",
            (good.evidence_id,),
            stamp(good.timestamp),
        )
    if good is None:
        return Claim(
            f"No version of {name_of(dataset)} is certified: its certified view has nothing.",
            (last.evidence_id,),
            stamp(last.timestamp),
        )
    age = seconds_between(good.timestamp, case.span.first_bad or last.timestamp)
    reason = next(iter(last.reason_codes), "")
    old = f", {span_of_time(age)} old when this failed" if age and age > 0 else ""
    return Claim(
        f"Readers of {name_of(dataset)} still have certified version "
        f"{good.payload.get('certified_version')} of {moment(stamp(good.timestamp))}{old}; "
        f"the view is held there{f' ({reason})' if reason else ''}.",
        (good.evidence_id, last.evidence_id),
        stamp(last.timestamp),
    )
