"""What to do about a cause, most urgent first, with the command where there is one."""

from __future__ import annotations

import re

from sfctl.model import urn
from sfctl.model.explanation import Action, Hypothesis
from sfctl.model.graph import Node
from sfctl.rca.candidates.deployment import deployed_at, foreign, owner_of, version_of
from sfctl.rca.case import Case
from sfctl.rca.extent import waiting
from sfctl.rca.log import Log
from sfctl.rca.renames import renamed
from sfctl.rca.symptoms import Signature
from sfctl.rca.wording import moment, name_of

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def actions(case: Case, cause: Hypothesis) -> tuple[Action, ...]:
    """Return what mends the cause, then what mends the data, then what keeps it from recurring."""
    first = _MEND[cause.kind](case, cause) if cause.kind in _MEND else _SIMPLE[cause.kind](cause)
    again = [] if cause.kind == "UNKNOWN" else _rerun(case, cause)
    rest = [*again, *_quarantine(case), *_prevent(case, cause)]
    unique = {action.text: action for action in [*first, *rest]}
    return tuple(unique.values())


def _deployment(case: Case, cause: Hypothesis) -> list[Action]:
    node = case.tracer.node(cause.ref)
    if node is None:
        return []
    owner = owner_of(case, node)
    service, version = name_of(owner), version_of(node)
    previous = str(node.props.get("previous_version") or "")
    commit = str(node.props.get("commit") or "")
    done = []
    later = _since(case, owner, deployed_at(node))
    if later:
        done.append(
            Action(f"{service} {version_of(later)} is live since {moment(deployed_at(later))}: "
                   f"see whether it mends this before you roll {service} back"
                   + (f" to {previous}" if previous else ""), refs=(later.id,))
        )  # fmt: skip
    elif previous:
        done.append(Action(f"Roll {service} back to {previous}", refs=(node.id,)))
    else:
        done.append(
            Action(f"Roll {service} back to what ran before {version}, or hotfix it",
                   refs=(node.id,))
        )  # fmt: skip
    dataset = urn.without_stage(case.home)
    done.append(
        Action("Then see that new evidence passes", f"sfctl evidence list --dataset {dataset} "
               "--since 15m", refs=(dataset,))
    )  # fmt: skip
    what = _field_words(case)
    at = f" (commit {commit})" if commit else ""
    done.append(Action(f"Find in what {version} changed{at} why {what}", refs=(node.id,)))
    return done


def _enum(case: Case, cause: Hypothesis) -> list[Action]:
    signature = _main(case)
    dataset = urn.without_stage(case.home)
    allowed = _allowed(case, signature)
    done = [
        Action(f'Decide on "{signature.detail}": add it to the accepted values of '
               f"`{signature.field}` in the rules of {name_of(dataset)}, or have the source "
               f"stop sending it{allowed}", f"sfctl compile {dataset}", refs=(signature.id,))
    ]  # fmt: skip
    return done + _reprocess(case, cause) + _coordinate(case, cause, f'"{signature.detail}"')


def _schema(case: Case, cause: Hypothesis) -> list[Action]:
    signature = _main(case)
    new = renamed(case, signature.field)
    how = f"map `{new}` to `{signature.field}`" if new else f"restore `{signature.field}`"
    done = [Action(f"Have the source {how}, or change the contract with it", refs=(signature.id,))]
    return done + _reprocess(case, cause) + _coordinate(case, cause, f"`{signature.field}`")


def _upstream(case: Case, cause: Hypothesis) -> list[Action]:
    name = name_of(cause.ref)
    done = [
        Action(f"Mend {name} first: everything here follows from it", f"sfctl rca {cause.ref}",
               refs=cause.refs[:2])
    ]  # fmt: skip
    return done + _coordinate(case, cause, "it") + _reprocess(case, cause)


def _job(cause: Hypothesis) -> list[Action]:
    run = cause.ref.removeprefix("urn:run:")
    return [
        Action("Look at how the run ended, and mend the error", f"sfctl evidence list --run {run} "
               "--kind JobRunFailed", refs=cause.refs[:2])
    ]  # fmt: skip


def _code(cause: Hypothesis) -> list[Action]:
    return [Action(f"Go back to the code before the change, or mend it: {cause.statement}",
                   refs=cause.refs)]  # fmt: skip


def _policy(cause: Hypothesis) -> list[Action]:
    return [
        Action(f"See what the new policy of {name_of(cause.ref)} asks that the old did not; "
               "take it back or mend the data", f"sfctl validate {urn.without_stage(cause.ref)} "
               "--against HEAD~1", refs=cause.refs)
    ]  # fmt: skip


def _trigger(case: Case, cause: Hypothesis) -> list[Action]:
    job = name_of(cause.ref)
    return [
        Action(f"See in the scheduler why {job} was not started", refs=cause.refs),
        Action("Start it for the missing date if it will not start by itself",
               f"sfctl run {job}{_date(case)}", refs=cause.refs[:1]),
    ]  # fmt: skip


def _slow(cause: Hypothesis) -> list[Action]:
    return [Action(f"See what {name_of(cause.ref)} waits for: more input, a lock, less machine",
                   refs=cause.refs)]  # fmt: skip


def _infrastructure(cause: Hypothesis) -> list[Action]:
    return [
        Action("See what our side says of itself", "sfctl doctor", refs=cause.refs[:2]),
        Action("See whether gates are switched off", "sfctl switch status", refs=cause.refs[:2]),
        Action("Deliver evidence that may still wait", "sfctl evidence flush", refs=cause.refs[:2]),
    ]


def _unknown(case: Case, cause: Hypothesis) -> list[Action]:
    refs = cause.refs[:1]
    done = []
    if case.known:
        dataset = urn.without_stage(case.home)
        done.append(
            Action("Look at the failing evidence", f"sfctl evidence list --dataset {dataset} "
                   "--result FAIL", refs=refs)
        )  # fmt: skip
        done.append(
            Action("Record what would tell the cause: " + "; ".join(cause.missing), refs=refs)
        )
    done.append(
        Action("Take in what has not been folded yet", "sfctl engine run --once", refs=refs)
    )
    return done


def _reprocess(case: Case, cause: Hypothesis) -> list[Action]:
    day, ref = partition(case, cause)
    if not day:
        return []
    table = case.home
    source = next((d for d in case.above if "bronze" in d), table)
    return [Action(f"Then reprocess the partition of {day} from {name_of(source)} "
                   f"into {name_of(table)}", refs=(ref,))]  # fmt: skip


def partition(case: Case, cause: Hypothesis) -> tuple[str, str]:
    """Return the day whose data failed, and what says so."""
    for event in case.evidence:
        named = _DAY.search(str(event.source.get("input_dataset") or ""))
        if named:
            return named[0], event.evidence_id
    for run in case.runs:
        if named := _DAY.search(str(run.props.get("logical_date") or "")):
            first = cause.at[:10] if cause.at and cause.at[:10] < named[0] else ""
            return (first, cause.refs[0]) if first and case.echoes else (named[0], run.id)
    at = cause.at or case.span.first_bad
    return at[:10], (cause.refs or (case.home,))[0]


def _coordinate(case: Case, cause: Hypothesis, what: str) -> list[Action]:
    node = case.tracer.node(cause.ref)
    owner = str(node.props.get("owner") or "") if node else ""
    if not owner:
        edges = case.tracer.edges("who owns it?", cause.ref, "in", ["OWNS"])
        owner = next((e.source for e in edges if e.source.startswith("urn:team:")), "")
    team = owner.removeprefix("urn:team:")
    who = (
        f"team {team}, who owns {name_of(cause.ref)}"
        if team
        else f"whoever owns {name_of(cause.ref)}"
    )
    return [Action(f"Agree on {what} with {who}", refs=(cause.ref,))]


def _rerun(case: Case, cause: Hypothesis) -> list[Action]:
    done = []
    for run in case.runs[:1]:
        job = str(run.props.get("job_urn") or "")
        day = str(run.props.get("logical_date") or "")
        if job.startswith("urn:job:") and "/" not in job and cause.kind != "NOT_TRIGGERED":
            command = f"sfctl run {name_of(job)}" + (f" --date {day}" if day else "")
            done.append(Action("Once that is done, run the job again", command, refs=(run.id,)))
    return done


def _quarantine(case: Case) -> list[Action]:
    done = []
    for dataset, run, rows, ref in _held(case.log, case.run_names):
        where = f"{dataset} --run {run}"
        done += [
            Action(f"Look at the {rows:,} rows held back", f"sfctl quarantine show {where}",
                   refs=(ref,)),
            Action("Bring back what passes today's rules", f"sfctl quarantine replay {where}",
                   refs=(ref,)),
            Action("Or give them up, if the source sends the day again",
                   f'sfctl quarantine discard {where} --reason "sent again"', refs=(ref,)),
        ]  # fmt: skip
    return done


def _held(log: Log, runs: tuple[str, ...]) -> list[tuple[str, str, int, str]]:
    """Return dataset, run, rows and event of what still waits in quarantine."""
    found = []
    for run in runs:
        held: dict[str, tuple[int, str]] = {}
        for event in log.held(run):
            rows, ref = held.get(event.dataset_urn, (0, event.evidence_id))
            held[event.dataset_urn] = (rows + waiting(event), ref)
        found += [(name, run, rows, ref) for name, (rows, ref) in sorted(held.items()) if rows > 0]
    return found


def _prevent(case: Case, cause: Hypothesis) -> list[Action]:
    signature = case.signatures[0] if case.signatures else None
    if signature is None or not signature.field or cause.kind in ("JOB_FAILURE", "UNKNOWN"):
        return []
    what = "values" if signature.reason == "UNKNOWN_ENUM" else "presence and type"
    return [
        Action(f"Add a contract test to the producer's CI for the {what} of `{signature.field}`: "
               "a sample file checked against the policy",
               "sfctl check SAMPLE --policy datasets/NAME/policy_bundle.yaml", refs=(signature.id,))
    ]  # fmt: skip


def _main(case: Case) -> Signature:
    return case.signatures[0] if case.signatures else Signature("", "", case.home)


def _field_words(case: Case) -> str:
    signature = _main(case)
    new = renamed(case, signature.field)
    if new:
        return f"`{signature.field}` now may come as `{new}`"
    if signature.reason == "MISSING_FIELD":
        return f"`{signature.field}` is no longer filled"
    return f"{signature.text} arises" if signature.text else "this arises"


def _allowed(case: Case, signature: Signature) -> str:
    for signal in case.signals:
        values = signal.details.get("expected_values")
        if signal.details.get("field") == signature.field and isinstance(values, list) and values:
            return f" (expected: {', '.join(map(str, values[:10]))})"
    return ""


def _date(case: Case) -> str:
    return next(
        (f" --date {r.props['logical_date']}" for r in case.runs if r.props.get("logical_date")), ""
    )


def _since(case: Case, service: str, at: str) -> Node | None:
    """Return the newest deployment of a service from after the first failure, if there is one."""
    edges = case.tracer.edges("what was deployed?", service, "out", ["DEPLOYED"])
    later = [
        node
        for node in case.tracer.nodes(edge.target for edge in edges)
        if deployed_at(node) > max(at, case.span.first_bad) and not foreign(case, node)
    ]
    return max(later, key=lambda n: (deployed_at(n), n.id)) if later else None


_MEND = {
    "DEPLOYMENT": _deployment,
    "UPSTREAM_ENUM": _enum,
    "UPSTREAM_SCHEMA": _schema,
    "UPSTREAM_DATA": _upstream,
    "UPSTREAM_LATE": _upstream,
    "NOT_TRIGGERED": _trigger,
    "UNKNOWN": _unknown,
}
_SIMPLE = {
    "JOB_FAILURE": _job,
    "CODE_CHANGE": _code,
    "POLICY_CHANGE": _policy,
    "SLOW": _slow,
    "INFRASTRUCTURE": _infrastructure,
}
