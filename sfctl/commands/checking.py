"""What `sfctl check` does: compile the policy while the engine loads, judge, put into words.

Nothing here imports the command line, so that the plain forms of `check` start without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from sfctl import exit_codes
from sfctl.errors import Problem, UsageError
from sfctl.model import codec, schema_change
from sfctl.model.policy import Batch, Policy
from sfctl.model.verdict import GateResult, Judgement, RuleResult
from sfctl.report import measured, text
from sfctl.report.outcome import Finding, Outcome, place_of

_WORDS = {"skipped": "skip"}


def checked(path: str, policy: Path, stage: str, now: datetime | None) -> Outcome:
    """Judge a source by a policy bundle and say what every rule came to. Nothing is written.

    Raises SpecError for a policy that cannot be compiled and SourceError for unreadable rows.
    """
    if not policy.is_file():
        raise UsageError(f"{policy} does not exist", hint="--policy names a policy_bundle.yaml")
    # the engine takes longer to load than the policy to compile, and neither needs the other
    engine = Thread(target=_load_engine)
    engine.start()
    try:
        from sfctl.compiler.check import policy_for_check, root_of

        compiled, problems = policy_for_check(policy)
    finally:
        engine.join()  # an interpreter that ends while a module loads complains about it
    from sfctl.runtime.core.judge import Surroundings, judge

    around = Surroundings(pii=_find, root=root_of(policy))
    judgement = judge(path, compiled, stage, now=now or datetime.now(UTC), around=around)
    return Outcome(
        "check",
        _payload(path, compiled, judgement),
        _text(compiled, judgement),
        _exit_code(judgement),
        (*map(str, problems), *_left_out(compiled, stage)),
        (*_findings(path, compiled, judgement), *map(_hint, problems)),
    )


def _left_out(policy: Policy, stage: str) -> Iterator[str]:
    """Yield a word on the rules that name other stages: nothing passes by not being asked."""
    judged = {rule.id for rule in policy.rules_for(stage)}
    other = [r.id for r in policy.rules if r.stages and r.id not in judged]
    if other:
        yield f"not judged in {stage}, see --stage: {', '.join(other)}"


def _load_engine() -> None:
    import polars  # noqa: F401 - loaded for its own sake, while something else is done


def _find(frame: Any, detections: Any) -> Any:
    from sfctl.runtime.pii.actions import find

    return find(frame, detections)


def _exit_code(judgement: Judgement) -> int:
    found = exit_codes.FOUND if judgement.verdict == "FAIL" else exit_codes.OK
    ours = any(rule.status == "error" and not rule.data_error for rule in judgement.rules)
    unable = ours or any(gate.result == "ERROR" for gate in judgement.gates)
    return exit_codes.worst(found, exit_codes.UNABLE if unable else exit_codes.OK)


def _payload(path: str, policy: Policy, judgement: Judgement) -> dict[str, Any]:
    checks = _batch_checks(policy)
    return {
        "source": path,
        "dataset": judgement.dataset_urn,
        "stage": judgement.stage,
        "policy_digest": policy.digest,
        "rows": judgement.rows,
        "rules": [_rule(rule, checks) for rule in judgement.rules],
        "totals": codec.plain(judgement.totals),
        "gates": [_gate(gate) for gate in judgement.gates],
        "verdict": judgement.verdict,
        "good": judgement.good,
        "bad": judgement.bad,
        "schema_fingerprint": judgement.schema_fingerprint,
        "schema_shape": judgement.schema_shape,
        "drift": list(judgement.drift),
        "degraded": list(judgement.degraded),
    }


def _rule(rule: RuleResult, checks: Mapping[str, Batch]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "kind": rule.kind,
        "field": rule.field,
        "fields": list(rule.fields),
        "gate": rule.gate,
        "severity": rule.severity,
        "status": rule.status,
        "failed": rule.failed,
        "evaluated": rule.evaluated,
        "threshold": rule.threshold,
        "signature": rule.signature,
        "signatures": rule.signatures,
        "reason": _reason(rule, checks),
        "measured": rule.measured,
        "surplus": rule.surplus,
        "subsumed_by": rule.subsumed_by or None,
        "data_error": rule.data_error,
    }


def _gate(gate: GateResult) -> dict[str, Any]:
    return {
        "gate": gate.gate,
        "result": gate.result,
        "evaluated": gate.evaluated,
        "failed": gate.failed,
        "compliance": gate.compliance,
        "reason_codes": list(gate.reason_codes),
        "signatures": gate.signatures,
        "details": gate.details,
        "duration_ms": round(gate.duration_ms, 3),
    }


def _batch_checks(policy: Policy) -> dict[str, Batch]:
    return {rule.id: rule.check for rule in policy.rules if isinstance(rule.check, Batch)}


def _reason(rule: RuleResult, checks: Mapping[str, Batch]) -> str:
    """Say in a few words why a rule did not hold on every row; empty where it did."""
    if rule.reason or (rule.status == "pass" and not rule.failed):
        return rule.reason
    if rule.measured is not None:
        return measured.said(checks[rule.id], rule.measured)
    share = text.share(rule.failed / rule.evaluated) if rule.evaluated else "0%"
    allowed = "" if rule.threshold == "0" else f", {rule.threshold} may"
    return f"{rule.failed:,} of {text.count(rule.evaluated, 'row')} ({share}) fail{allowed}"


def _text(policy: Policy, judgement: Judgement) -> str:
    checks = _batch_checks(policy)
    lines: list[str] = []
    for rule in judgement.rules:
        lines.append(text.status_line(rule.id, _WORDS.get(rule.status, rule.status)))
        if (rule.status != "pass" or rule.failed) and not rule.subsumed_by:
            lines.append(f"    {_reason(rule, checks)}")
            lines += _causes(rule.signatures)
    for gate in judgement.gates:
        quiet = gate.result == "PASS" or gate.undeclared
        if gate.gate in ("G3_SCHEMA", "G5_PII") and not quiet:
            lines.append(text.status_line(gate.gate, gate.result.lower()))
            lines += _causes(gate.signatures)
            if said := _changed(gate.details):
                lines.append(f"    {said}")
    return "\n".join([*lines, *([""] if lines else []), _summary(judgement)])


def _changed(details: Mapping[str, object]) -> str:
    listed = details.get("changes")
    return schema_change.told(listed) if isinstance(listed, list) else ""


def _causes(signatures: dict[str, int]) -> list[str]:
    return text.table(
        ((signature, f"{count:,}") for signature, count in list(signatures.items())[:10]),
        indent="    ",
    )


def _summary(judgement: Judgement) -> str:
    totals = judgement.totals
    counts = (
        (totals.passed, "passed"), (totals.failed, "failed"), (totals.warned, "warned"),
        (totals.skipped, "skipped"), (totals.error, "could not be evaluated"),
    )  # fmt: skip
    said = ", ".join(f"{number} {word}" for number, word in counts if number) or "none declared"
    rows = f"{judgement.good:,} of {text.count(judgement.rows, 'row')} good"
    if judgement.bad and judgement.verdict in ("PASS", "WARN"):
        word = "fails" if judgement.bad == 1 else "fail"
        rows += f", {judgement.bad:,} {word} within thresholds"
    return f"{text.count(totals.declared, 'rule')}: {said}; {rows}: {judgement.verdict}."


def _findings(path: str, policy: Policy, judgement: Judgement) -> list[Finding]:
    places = {rule.id: place_of(rule.source) for rule in policy.rules}
    checks = _batch_checks(policy)
    found = []
    for rule in judgement.rules:
        file, line, col = places.get(rule.id, ("", 0, 0))
        bad = rule.status in ("fail", "error")
        found.append(
            Finding(
                code="SF511" if rule.status == "error" else "SF510",
                message=f"{rule.id}: {_reason(rule, checks) or 'holds'}",
                severity="error" if bad and rule.severity == "error" else "warning",
                path=file or path,
                line=line,
                col=col,
                suite=path,
                name=rule.id,
                passed=rule.status == "pass",
                skipped=rule.status == "skipped",
            )
        )
    for gate in judgement.gates:
        if gate.gate == "G3_SCHEMA" and gate.result in ("FAIL", "WARN") and judgement.drift:
            found.append(
                Finding(
                    "SF512", f"schema: {', '.join(gate.reason_codes)}",
                    "error" if gate.result == "FAIL" else "warning",
                    path, suite=path, name="schema",
                )
            )  # fmt: skip
    return found


def _hint(problem: Problem) -> Finding:
    return Finding(
        problem.code, problem.message, problem.severity, problem.path, problem.line, problem.col,
        suite=problem.path, name=problem.code,
    )  # fmt: skip
