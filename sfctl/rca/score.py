"""From candidates to a ranking: the weights of the factors, and what makes an answer unknown."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from sfctl.model.explanation import MEDIUM, Factor, Hypothesis, level_of
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate
from sfctl.rca.candidates import (
    change,
    deployment,
    infrastructure,
    job,
    upstream_data,
    upstream_drift,
)
from sfctl.rca.case import Case
from sfctl.rca.stages import cleared
from sfctl.rca.wording import listed, name_of

WEIGHTS = {
    "time_distance": 0.14,
    "between_good_and_bad": 0.15,
    "producer_match": 0.15,
    "version_match": 0.10,
    "signature_match": 0.14,
    "share_explained": 0.08,
    "path_completeness": 0.10,
    "edge_confidence": 0.08,
    "closeness": 0.08,
    "confirmed_before": 0.06,
}
"""How much each factor counts; a kind of cause is weighed by the factors that apply to it."""

CHANGES = ("DEPLOYMENT", "UPSTREAM_ENUM", "UPSTREAM_SCHEMA", "POLICY_CHANGE", "CODE_CHANGE")
"""Causes that say what changed: from MEDIUM on they stand before those that say what broke."""
_ORDER = (
    *CHANGES,
    "UPSTREAM_LATE",
    "UPSTREAM_DATA",
    "INFRASTRUCTURE",
    "NOT_TRIGGERED",
    "JOB_FAILURE",
    "SLOW",
    "UNKNOWN",
)
ENOUGH = 0.5
"""Below this the best guess is not told as a cause."""
APART = 0.03
"""Two changes that differ by less cannot be told apart."""
UNDECIDED = 0.59
_KINDS = (deployment, upstream_drift, upstream_data, job, change, infrastructure)


def hypotheses(case: Case) -> tuple[Hypothesis, ...]:
    """Return all that was considered, likeliest first, what is ruled out last."""
    found = [candidate for kind in _KINDS for candidate in kind.candidates(case)]
    weighed = _unique([_weighed(case, candidate) for candidate in found])
    return tuple(sorted(_told_apart(_subsumed(weighed, found)), key=_rank))


def root_cause(case: Case, ranked: Iterable[Hypothesis]) -> Hypothesis:
    """Return the likeliest cause, or that none is known and what evidence is missing."""
    kept = [h for h in ranked if not h.ruled_out and h.confidence >= ENOUGH]
    return kept[0] if kept else unknown(case, tuple(ranked))


def unknown(case: Case, considered: tuple[Hypothesis, ...]) -> Hypothesis:
    """Return the answer that no cause is on record, and what would have shown one."""
    missing = _missing(case, considered)
    if not case.known:
        text = f"Nothing on record is wrong with {name_of(case.subject.ref)}."
        refs: tuple[str, ...] = (case.subject.ref,)
    else:
        texts = listed(case.texts) if case.texts else "this trouble"
        text = f"The cause of {texts} on {name_of(case.home)} is not on record."
        if cleared(case) is not None:
            text = f"{text} {change.unchanged(case)[0]}".rstrip()
        refs = tuple(s.id for s in case.signatures[:3]) or tuple(
            s.signal_id for s in case.signals[:3]
        )
    return Hypothesis(
        kind="UNKNOWN", ref="", statement=text, confidence=0.0, level="LOW",
        refs=refs, missing=missing,
    )  # fmt: skip


def _weighed(case: Case, candidate: Candidate) -> Hypothesis:
    said = dict(candidate.readings)
    if said:
        said["confirmed_before"] = readings.confirmed(case, candidate)
    factors = tuple(
        Factor(
            name, said[name].value, weight, said[name].because,
            tuple(dict.fromkeys(said[name].refs)),
        )
        for name, weight in WEIGHTS.items()
        if name in said
    )  # fmt: skip
    total = sum(factor.weight for factor in factors)
    value = sum(factor.weight * factor.value for factor in factors) / total if total else 0.0
    confidence = 0.0 if candidate.ruled_out else round(value, 2)
    return Hypothesis(
        kind=candidate.kind,
        ref=candidate.ref,
        statement=candidate.statement,
        confidence=confidence,
        level=level_of(confidence),
        at=candidate.at,
        factors=factors,
        refs=tuple(dict.fromkeys(candidate.refs)),
        ruled_out=candidate.ruled_out,
    )


def _unique(weighed: list[Hypothesis]) -> list[Hypothesis]:
    """Keep the best of what blames the same thing in the same way."""
    best: dict[tuple[str, str], Hypothesis] = {}
    for each in weighed:
        key = (each.kind, each.ref)
        if key not in best or _rank(each) < _rank(best[key]):
            best[key] = each
    return list(best.values())


def _subsumed(weighed: list[Hypothesis], found: list[Candidate]) -> list[Hypothesis]:
    """Set aside what says less of the same origin than a deployment that is likely anyway."""
    origins = {(c.kind, c.ref): c.origin for c in found}
    likely = {
        origins[h.kind, h.ref]: h.ref
        for h in weighed
        if h.kind == "DEPLOYMENT" and not h.ruled_out and h.confidence >= MEDIUM
    }
    result = []
    for each in weighed:
        by = likely.get(origins[each.kind, each.ref], "")
        if by and each.kind != "DEPLOYMENT" and not each.ruled_out:
            each = replace(
                each, ruled_out=f"the deployment {name_of(by)} tells what changed there",
                confidence=0.0, level="LOW",
            )  # fmt: skip
        result.append(each)
    return result


def _told_apart(weighed: list[Hypothesis]) -> list[Hypothesis]:
    """Lower two changes of different origin that fit equally well: neither is known to be it."""
    kept = sorted((h for h in weighed if not h.ruled_out), key=_rank)
    changes = [h for h in kept if h.kind in CHANGES][:2]
    if len(changes) < 2 or changes[0].kind != changes[1].kind or changes[0] is not kept[0]:
        return weighed
    first, second = changes
    if first.confidence - second.confidence >= APART or first.confidence <= UNDECIDED:
        return weighed
    return [
        replace(
            each,
            confidence=UNDECIDED,
            level=level_of(UNDECIDED),
            statement=f"{each.statement} But {name_of(other.ref)} fits as well: "
            "nothing on record tells them apart.",
            refs=(*each.refs, other.ref),
        )
        if (other := {first.ref: second, second.ref: first}.get(each.ref)) and each in changes
        else each
        for each in weighed
    ]


def _rank(each: Hypothesis) -> tuple[object, ...]:
    told = each.kind in CHANGES and each.confidence >= MEDIUM
    return (
        bool(each.ruled_out), not told, -each.confidence, _ORDER.index(each.kind),
        _later(each.at), each.ref,
    )  # fmt: skip


def _later(at: str) -> tuple[int, ...]:
    """Return a key that puts later times first."""
    return tuple(-ord(char) for char in at)


def _missing(case: Case, considered: tuple[Hypothesis, ...]) -> tuple[str, ...]:
    if not case.known:
        return ("a signal or a failure on it or upstream of it",)
    lacks = []
    if not case.signatures:
        lacks.append("an edge CAUSED from a failure signature to the signal")
    elif (first := cleared(case)) is not None:
        only = "" if "silver" in first.passed else ": bronze vouches for shape and origin alone"
        lacks.append(f"a judgement of these values from before {first.stage}{only}")
        lacks += change.unchanged(case)[1]
    else:
        lacks.append(
            "an edge INTRODUCED, PRECEDED, PRODUCED_DRIFT or INTRODUCED_DRIFT to the failure"
        )
    if not any(h.kind == "DEPLOYMENT" for h in considered):
        lacks.append("a DeploymentEvent of who produces this data, from before it failed")
    who, version, confidence = case.producer()
    if who.startswith(("urn:job:", "spark:")) and cleared(case) is not None:
        lacks.append("who sent the data, and which version of it, in the failing evidence")
    elif confidence == "NONE":
        lacks.append("a producer in the failing evidence")
    elif not version:
        lacks.append("the producer's version in the failing evidence")
    if not case.above:
        lacks.append("lineage upstream of it")
    if not case.span.last_good:
        lacks.append("evidence of it being good before")
    return tuple(lacks)
