"""What `sfctl run` says of a run: payload, lines for people, findings for CI, exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sfctl import exit_codes
from sfctl.certification import predicate
from sfctl.commands.run_versions import UNFINISHED, Versions
from sfctl.errors import SfctlError
from sfctl.model import schema_change
from sfctl.model.manifest import DatasetEntry, JobEntry
from sfctl.model.run import RunContext
from sfctl.report import text
from sfctl.report.outcome import Finding, Outcome, place_of
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.supervision.processes import Left
from sfctl.runtime.supervision.supervisor import Ended

_SEVERITY = {"fail": "error", "error": "error", "warn": "warning"}


@dataclass(frozen=True, slots=True)
class Delivered:
    """Events of a run: written to the outbox, on the bus, still waiting."""

    written: int
    published: int
    pending: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A run that is over. `inside` is what a failed job said of itself, `spoke` whether it did."""

    context: RunContext
    ended: Ended
    writes: tuple[dict[str, Any], ...]
    evidence: Delivered
    inside: Mapping[str, Any]
    spoke: bool
    fingerprints: int = 0
    """How many fingerprints of schemas had to be computed, for reads and writes."""
    versions: Versions = field(default_factory=Versions)
    promised: bool = False
    """Whether the job file names outputs."""
    faults: tuple[dict[str, Any], ...] = ()
    """Faults of ours inside the job that no write tells of."""

    @property
    def level(self) -> str:
        """How deep sfctl stood in the run: where rows were judged, else whether the job spoke."""
        levels = [each.get("integration_level", "in-job") for each in self.writes]
        for name in ("in-job", "post-commit"):
            if name in levels:
                return name
        spoke = self.spoke or any(e["judged"] == UNFINISHED for e in self.versions.seen)
        return "in-job" if spoke else "observe"

    @property
    def degraded(self) -> list[str]:
        """Our faults in this run, without repetition."""
        told = (*self.writes, *self.faults)
        return list(dict.fromkeys(why for each in told for why in each.get("degraded") or ()))

    @property
    def blocked(self) -> bool:
        return any(each.get("blocked") for each in self.writes)

    @property
    def consistent(self) -> bool:
        """Whether every row of every write is accounted for."""
        return all(
            each["rows_in"] == each["rows_published"] + each["rows_quarantined"]
            and each.get("written") != "nowhere"
            for each in self.writes
        )

    @property
    def state(self) -> str:
        if self.blocked:
            return "BLOCKED"
        return "FAILED" if self.ended.exit_code else "COMPLETED"


def outcome(
    told: Told, compiled: Compiled | None, notes: Sequence[str], *, strict: bool, format: str
) -> Outcome:
    """Return the outcome of a run. In text form everything goes to stderr: stdout is the job's."""
    level = told.level
    payload = {
        "run_id": told.context.run_id,
        "job": told.context.job,
        "attempt": told.context.attempt,
        "logical_date": told.context.logical_date or None,
        "exit_code": exit_code(told, strict=strict),
        "job_exit_code": told.ended.exit_code,
        "state": told.state,
        "failure_reason": told.inside.get("failure_reason") or told.ended.reason or None,
        "degraded": bool(told.degraded),
        "degraded_reasons": told.degraded,
        "counts_consistent": told.consistent,
        "integration_level": level,
        "duration": round(told.ended.duration, 3),
        "resource_summary": told.ended.resources,
        "timings": {"fingerprints_computed": told.fingerprints},
        "processes": [each.told for each in told.ended.left],
        "versions": list(told.versions.seen),
        "writes": list(told.writes),
        "evidence": {
            "written": told.evidence.written,
            "published": told.evidence.published,
            "pending": told.evidence.pending,
            "trouble": told.evidence.trouble or None,
        },
    }
    lines = [*notes, *_lines(told, compiled, level)]
    return Outcome(
        "run",
        payload,
        "",
        exit_code(told, strict=strict),
        notes=tuple(lines),
        findings=tuple(findings(told, compiled)) if format != "text" else (),
    )


def exit_code(told: Told, *, strict: bool) -> int:
    """Return what the scheduler sees: the job's own code, 1 where enforcement blocked.

    `strict` adds what else went wrong, by the table of the contract.
    """
    if told.ended.exit_code:
        return told.ended.exit_code
    code = exit_codes.FOUND if told.blocked else exit_codes.OK
    if not strict:
        return code
    failed = any(each.get("verdict") == "FAIL" for each in told.writes)
    return exit_codes.worst(
        code,
        exit_codes.FOUND if failed else exit_codes.OK,
        exit_codes.UNDELIVERED if told.evidence.pending else exit_codes.OK,
        exit_codes.UNABLE if told.degraded or not told.consistent else exit_codes.OK,
    )


def findings(told: Told, compiled: Compiled | None) -> list[Finding]:
    """Return one finding per rule and write, one per write that was blocked or degraded, and one
    per fault beside the writes."""
    found = []
    for each in told.writes:
        suite = f"{each['dataset']}#{each['stage']}"
        places = _places(compiled, each["dataset"])
        for rule in each.get("rules") or ():
            status = rule["status"]
            severe = _SEVERITY.get(status, "note")
            if rule.get("severity", "error") == "warn" and severe == "error":
                severe = "warning"
            said = "holds" if status == "pass" else f"{rule['failed']} of {rule['evaluated']} fail"
            found.append(
                Finding(
                    "SF511" if status == "error" else "SF510",
                    f"{rule['id']}: {rule.get('reason') or said}",
                    severe,  # type: ignore[arg-type]
                    *places.get(rule["id"], ("", 0, 0)),
                    suite=suite,
                    name=rule["id"],
                    passed=status == "pass",
                    skipped=status == "skipped",
                )
            )
        if each.get("blocked"):
            found.append(Finding("SF301", f"{suite} was not published", "error", suite=suite,
                                 name="publish"))  # fmt: skip
        for why in each.get("degraded") or ():
            found.append(Finding("SF760", f"{suite}: {why}", "warning", suite=suite,
                                 name="degraded"))  # fmt: skip
    beside = dict.fromkeys(why for each in told.faults for why in each.get("degraded") or ())
    found += [Finding("SF760", f"{told.context.job}: {why}", "warning", suite=told.context.job,
                      name="degraded") for why in beside]  # fmt: skip
    if told.ended.exit_code:
        reason = told.inside.get("failure_reason") or told.ended.reason
        found.append(
            Finding(
                "SF759", f"the job failed: {reason}", "error", suite=told.context.job, name="job"
            )
        )
    return found


def _places(compiled: Compiled | None, dataset: str) -> dict[str, tuple[str, int, int]]:
    """Return where each rule of a dataset stands; nothing where its policy cannot be read."""
    entry = compiled.dataset(dataset) if compiled else None
    if compiled is None or entry is None:
        return {}
    try:
        policy, _ = compiled.policy(entry)
    except SfctlError:
        return {}
    return {rule.id: place_of(rule.source) for rule in policy.rules if rule.source}


def warnings(compiled: Compiled, entry: JobEntry) -> tuple[str, ...]:
    """Return what the user should know before the job starts of the policies it will meet."""
    from sfctl.compiler.source_digest import source_digest

    said = []
    touched = {name.partition("#")[0] for name in (*entry.outputs, *entry.inputs)}
    for dataset in compiled.manifest.datasets.values():
        if dataset.urn not in touched:
            continue
        if dataset.source_digest != source_digest(compiled.root, dataset.files):
            said.append(
                f"{dataset.name}: the YAML has changed since it was compiled; the run uses the "
                "compiled policy (`sfctl compile` to take the change)"
            )
        if dataset.draft:
            said.append(f"SF350 {dataset.name}: {source_says(dataset)}")
        try:
            _, approval = compiled.policy(dataset)
        except SfctlError as error:
            said.append(f"{error.code} {error}; data flows, nothing certifies")
            continue
        if not approval.approved and dataset.policy:
            said.append(
                f"{approval.code} {dataset.name}: {approval.sentence}; it is a draft: level G0, "
                "nothing certifies"
            )
    return tuple(said)


def source_says(dataset: DatasetEntry) -> str:
    """Return in which way the source is not what is active."""
    if dataset.draft_because == "rolled_back":
        return f"the source says otherwise; it was rolled back to version {dataset.version}"
    return f"the source says otherwise; version {dataset.version} counts until the draft is signed"


def events_in(folder: Path, run_id: str, *, waiting: bool = False) -> int:
    """Return how many events of a run lie in the outbox; `waiting` counts what no bus has yet."""
    name = re.escape(re.sub(r"[^A-Za-z0-9_.-]", "_", run_id)[:100])
    own = re.compile(rf"{name}-\d+-\d+\.outbox")
    count = 0
    for path in folder.glob("*.outbox"):
        if not own.fullmatch(path.name):
            continue
        try:
            body = path.read_bytes()
            mark = path.with_suffix(".done")
            done = int(mark.read_text()) if waiting and mark.exists() else 0
        except (OSError, ValueError):
            continue
        count += body[done:].count(b"\n")
    return count


def _lines(told: Told, compiled: Compiled | None, level: str) -> list[str]:
    lines = [line for each in told.writes for line in _of_write(each, compiled)]
    own = level == "observe"  # else they are among the writes, or maintenance
    lines += [
        _of_version(each)
        for each in told.versions.seen
        if own or not each["own"] or each["judged"] == UNFINISHED
    ]
    lines += [_of_process(each) for each in told.ended.left]
    seconds = text.duration(told.ended.duration)
    memory = text.size(told.ended.peak_memory_bytes)
    failed = told.inside.get("failure_reason") or told.ended.reason
    end = f"{told.context.job}: {told.state.lower()} after {seconds}, {memory} at most"
    if told.ended.exit_code:
        end += f" ({failed}, exit {told.ended.exit_code})"
    if level == "observe":
        end += "; it wrote nothing through sfctl, so nothing was judged (observed only)"
    end += _of_the_log(told)
    if told.degraded:
        end += f"; degraded: {', '.join(told.degraded)}"
    waits = f", {told.evidence.pending} wait" if told.evidence.pending else ""
    lines.append(f"{end}; {told.evidence.published} events delivered{waits}")
    if told.evidence.pending:
        lines.append(f"    {told.evidence.trouble or 'the bus was busy'}: sfctl evidence flush")
    lines.append(f"look next: {', '.join(_next(told, compiled))}")
    return lines


def _next(told: Told, compiled: Compiled | None) -> Iterator[str]:
    """Yield the verbs that tell more: of rows held back and faults of ours before all else."""
    held = [each for each in told.writes if each["rows_quarantined"]]
    for each in held[:1]:
        entry = compiled.dataset(each["dataset"]) if compiled else None
        run = each.get("run_id") or told.context.run_id
        yield f"sfctl quarantine show {entry.name if entry else each['dataset']} --run {run}"
    if told.degraded:
        yield "sfctl doctor"
    yield "sfctl status"
    if not held:
        yield f"sfctl evidence list --run {told.context.run_id}"


def _of_the_log(told: Told) -> str:
    """Say where the exit code and the tables' logs tell two stories."""
    if not told.versions.looked:
        return ""
    own: dict[str, list[int]] = {}
    for each in told.versions.own:
        own.setdefault(f"{_short(each['dataset'])}#{each['stage']}", []).append(each["version"])
    if told.ended.exit_code and own:
        spans = (f"{name} {_span(numbers)}" for name, numbers in own.items())
        return f"; committed before it failed: {', '.join(spans)}"
    blocked = any(not each.get("published", True) for each in told.writes)
    if not told.ended.exit_code and not own and told.promised and not blocked:
        return "; none of its outputs has a new version"
    return ""


def _span(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return f"v{first}" if first == last else f"v{first} to v{last}"


def _short(dataset: str) -> str:
    return dataset.rpartition(":")[2]


def _of_process(left: Left) -> str:
    """Say what a process came to that outlived the job, or ended before it."""
    how = f"killed by {left.signal}" if left.signal else f"exit {left.exit_code}"
    if left.ended_by == "nobody":
        return f"process {left.pid} ({left.name}) of the job still runs"
    if left.ended_by == "itself":
        return f"process {left.pid} ({left.name}) of the job: {how}"
    return f"ended process {left.pid} ({left.name}), which the job left behind: {how}"


def _of_version(each: Mapping[str, Any]) -> str:
    name = f"{_short(each['dataset'])}#{each['stage']} v{each['version']}"
    said = f" ({each['operation']})" if each["operation"] else ""
    if each["judged"] == UNFINISHED:
        ended = f"{name}{said}: the job ended inside sf.write; the next write finishes it"
        return text.status_line(ended, UNFINISHED)
    if each["own"]:
        return text.status_line(f"{name}{said}: not judged", "seen")
    whose = "another run" if each["known_by"] == "other_run" else "nobody the log names"
    return text.status_line(f"{name}{said}: committed meanwhile by {whose}", "foreign")


def _of_write(each: Mapping[str, Any], compiled: Compiled | None) -> list[str]:
    entry = compiled.dataset(each["dataset"]) if compiled else None
    name = f"{entry.name if entry else each['dataset']}#{each['stage']}"
    version = each.get("version")
    told = f"{name} v{version}" if version is not None else name
    if each.get("integration_level") == "post-commit":
        told += f" ({each['operation']}): {text.count(each['rows_in'], 'row')} judged"
    else:
        told += f": {text.count(each['rows_in'], 'row')}, {each['rows_published']:,} published"
    if each["rows_quarantined"]:
        told += f", {each['rows_quarantined']:,} held back"
    if each.get("already_published"):
        told += ", as before"
    word = _word(each)
    lines = [text.status_line(told, word)]
    if each.get("integration_level") == "post-commit":
        lines += _of_rows(each)
    for gate in each.get("gates") or ():
        if versions := (gate.get("details") or {}).get("versions"):
            lines += _of_versions(gate["gate"], versions)
        if gate["result"] in ("FAIL", "ERROR"):
            causes = ", ".join(list(gate.get("reason_codes") or ())[:5])
            lines.append(f"    {gate['gate']} {gate['result']}: {causes or gate.get('degraded')}")
            if said := schema_change.told((gate.get("details") or {}).get("changes") or ()):
                lines.append(f"    {said}")
    reasons = each.get("certification_reasons") or ()
    if reasons:
        lines.append(f"    held: {', '.join(list(reasons)[:5])}")
        if entry and predicate.only_tainted(", ".join(reasons)):
            lines.append(f"    sfctl certify {entry.name} --revalidate judges the table as a whole")
    return lines


def _of_rows(each: Mapping[str, Any]) -> Iterator[str]:
    """Say which rows of a version were judged after its commit, where they are not all its own."""
    if copied := each.get("copied_rows"):
        yield f"    {text.count(copied, 'row')} of them copied from files it rewrote"
    elif each.get("rows_judged") in ("partitions", "table"):
        yield f"    it brought no row: judged is what its {each['rows_judged']} holds now"
    if each["rows_bad"]:
        yield f"    failing rows stay in it: {each['rows_bad']:,}"


def _of_versions(gate: str, versions: Mapping[str, Any]) -> Iterator[str]:
    """Say which rules only one of two versions has that did not hold."""
    for side, other in (("new", "earlier"), ("earlier", "new")):
        names = versions[f"only_{side}"]
        if names:
            listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            yield (
                f"    {gate}: only version {versions[side]} has {listed}; "
                f"version {versions[other]} is checked beside it"
            )


def _word(each: Mapping[str, Any]) -> str:
    if each.get("blocked"):
        return "blocked"
    if each.get("degraded"):
        return "degraded"
    status = each.get("certification")
    if status:
        return "certified" if status == "CERTIFIED" else "held"
    return {"PASS": "passed", "WARN": "warned", "FAIL": "failed"}.get(each.get("verdict", ""), "ok")
