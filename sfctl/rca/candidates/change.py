"""Our side changed between the last good run and the first bad: the policy, or the job's code."""

from __future__ import annotations

from collections.abc import Iterator

from sfctl.model.evidence import Evidence
from sfctl.rca import readings
from sfctl.rca.candidate import Candidate, Reading
from sfctl.rca.case import Case, failing
from sfctl.rca.extent import stamp
from sfctl.rca.wording import moment, name_of


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield a policy that changed while the schema did not, and code that changed."""
    bad, good = _both(case)
    if bad is None or good is None:
        return
    if good.policy_digest and bad.policy_digest and good.policy_digest != bad.policy_digest:
        yield _policy(case, good, bad)
    before, after = _code(case, good), _code(case, bad)
    if before and after and before != after and good.job_urn == bad.job_urn:
        yield _changed_code(case, good, bad, before, after)


def unchanged(case: Case) -> tuple[str, tuple[str, ...]]:
    """Return, as a sentence, what of our own stayed as it was when good, and what cannot be told.

    The sentence is empty where nothing is known to have stayed.
    """
    bad, good = _both(case)
    if bad is None or good is None:
        return "", ("a good run before it, to compare the job's code and the policy with",)
    same, lacks = [], []
    for what, before, after in (
        ("code of the job", _code(case, good), _code(case, bad)),
        ("policy", good.policy_digest, bad.policy_digest),
    ):
        if not before or not after:
            lacks.append(f"the {what} in the evidence of both the good and the failing run")
        elif before == after:
            same.append(f"the {what}")
    last = moment(stamp(good.timestamp))
    said = f"Since the last good ({last}) {' and '.join(same)} did not change." if same else ""
    return said, tuple(lacks)


def _both(case: Case) -> tuple[Evidence | None, Evidence | None]:
    """Return the first failing evidence that can be compared, and the last good before it."""
    bad = next((event for event in case.evidence if event.run_id or event.policy_digest), None)
    good = case.log.event(case.span.last_good_ref) if case.span.last_good_ref else None
    if good is None and bad is not None and bad.run_id and bad.job_urn:
        good = _last_success(case, bad)
    return bad, good


def _policy(case: Case, good: Evidence, bad: Evidence) -> Candidate:
    refs = (good.evidence_id, bad.evidence_id)
    same = bool(bad.schema_fingerprint) and good.schema_fingerprint == bad.schema_fingerprint
    at = stamp(bad.timestamp)
    dataset = bad.dataset_urn or case.home
    return Candidate(
        "POLICY_CHANGE",
        dataset,
        f"The policy of {name_of(dataset)} changed between {moment(stamp(good.timestamp))} and "
        f"{moment(at)} ({_short(good.policy_digest)} → {_short(bad.policy_digest)}), "
        "and the schema of the data did not.",
        at,
        _readings(case, good, bad, 1.0 if same else 0.5, "the schema fingerprint is the same"),
        refs,
        "" if same else "the schema of the data changed as well",
        origin=dataset,
        signature=case.texts[0] if case.texts else "",
    )


def _changed_code(case: Case, good: Evidence, bad: Evidence, before: str, after: str) -> Candidate:
    job = bad.job_urn
    upstream = any(echo.first_seen < case.span.first_bad for echo in case.echoes)
    structural = any(
        t.startswith(("MISSING_FIELD", "SCHEMA_BREAK", "TYPE_MISMATCH")) for t in case.texts
    )
    source = bad.stage == "bronze" and structural
    against = ""
    if upstream:
        against = "the same failure had been seen upstream before"
    elif source:
        against = "the data failed as it arrived, before this code touched it"
    return Candidate(
        "CODE_CHANGE",
        job,
        f"The code of {name_of(job)} changed from {before} (good, {moment(stamp(good.timestamp))}) "
        f"to {after} (failed, {moment(stamp(bad.timestamp))}).",
        stamp(bad.started_at or bad.timestamp),
        _readings(case, good, bad, 0.9, f"code {before} was good, {after} is not"),
        tuple(dict.fromkeys((job, good.evidence_id, bad.evidence_id))),
        against,
        origin=job,
        signature=case.texts[0] if case.texts else "",
    )


def _readings(
    case: Case, good: Evidence, bad: Evidence, match: float, said: str
) -> dict[str, Reading]:
    refs = (good.evidence_id, bad.evidence_id)
    links = readings.incident_links(case) | {"good run": True, "bad run": True}
    return {
        "between_good_and_bad": Reading(1.0, "it changed between last good and first bad", refs),
        "producer_match": Reading(1.0, "it is what made or judged the data", refs[1:]),
        "signature_match": Reading(match, said, refs),
        "share_explained": readings.share(case, case.texts[0] if case.texts else ""),
        "path_completeness": readings.path(links, refs),
        "edge_confidence": Reading(0.9, "both runs' own evidence says so", refs),
    }


def _last_success(case: Case, bad: Evidence) -> Evidence | None:
    """Return how the job's last good run before the failing one ended."""
    edges = case.tracer.edges("which runs has the job?", bad.job_urn, "out", ["EXECUTED"])
    runs = [n for n in case.tracer.nodes(e.target for e in edges) if n not in case.runs]
    earlier = [
        n for n in runs
        if str(n.props.get("status")) == "SUCCESS"
        and str(n.props.get("start_time") or "") < (bad.started_at or bad.timestamp)
    ]  # fmt: skip
    for node in sorted(earlier, key=lambda n: str(n.props.get("start_time") or ""), reverse=True):
        events = case.log.run(node.id.removeprefix("urn:run:"))
        ended = [e for e in events if e.kind == "JobRunCompleted"]
        if ended and not any(failing(event) for event in events):
            return ended[-1]
    return None


def _code(case: Case, event: Evidence) -> str:
    if event.code_ref or not event.run_id:
        return event.code_ref
    return next((e.code_ref for e in case.log.run(event.run_id) if e.code_ref), "")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:8]
