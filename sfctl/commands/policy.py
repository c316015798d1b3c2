"""`sfctl policy`: approval by the organisation, and the life of policies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sfctl import exit_codes
from sfctl.certification.signature import Approval
from sfctl.commands import policy_log
from sfctl.commands.policy_desk import Desk, open_desk
from sfctl.commands.policy_history import diff, rollback, versions
from sfctl.commands.policy_keys import keys
from sfctl.commands.policy_sign import sign_policies
from sfctl.commands.selection import Exclude, Select
from sfctl.compiler.source_digest import source_digest
from sfctl.compiler.target_folder import MANIFEST
from sfctl.errors import PolicyRejected
from sfctl.model.manifest import DatasetEntry
from sfctl.model.policy import Policy
from sfctl.report import text
from sfctl.report.outcome import Finding, Outcome
from sfctl.runtime.job.compiled import TARGET, beside_until
from sfctl.spec.project import find_root


def verify(
    select: Select = (),
    *,
    exclude: Exclude = (),
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Verify that every compiled policy is what was signed, by a key that counts here.

    Raises StoreError SF356 where the store does not answer that says which keys count.
    """
    root = find_root(project_dir)
    try:
        with open_desk(project_dir, target, now, create=False) as desk:
            if desk.log.note:
                _ = desk.log.required
            rows = [row for entry in desk.entries(select, exclude) for row in _rows(desk, entry)]
            approved = desk.log.history.minimum() if desk.log.history else ""
            found = policy_log.minimum_problems(desk.project, desk.log.trust, approved)
            found += policy_log.environment_problems(desk.project, desk.log.history)
    except PolicyRejected as error:
        if not (root / TARGET / MANIFEST).is_file():
            raise
        rows, found = [_bad("manifest", "", error.code, str(error))], []
    bad = [row for row in rows if row["status"] != "approved"]
    errors = [problem for problem in found if problem.severity == "error"]
    lines = []
    for row in rows:
        signed = f" v{row['version']}, {row['by']} {row['key_id']}" if row["by"] else ""
        lines.append(text.status_line(f"{row['name']}{signed}", row["status"]))
        if row["code"]:
            lines.append(f"    {row['code']} {row['why']}")
        if row["source_differs"]:
            lines.append("    SF350 the source says otherwise: the signed policy is what counts")
    lines += [str(problem) for problem in found]
    lines.append(
        f"{len(rows) - len(bad)} of {text.count(len(rows), 'policy', 'policies')} approved."
    )
    failed = bool(bad or errors)
    payload = {
        "policies": rows,
        "approved": len(rows) - len(bad),
        "minimum": [{"code": p.code, "why": p.message, "severity": p.severity} for p in found],
    }
    findings = tuple(
        Finding(row["code"] or "SF401", row["why"] or "approved", "error" if row in bad else "note",
                suite=row["name"], name="signature", passed=row not in bad)
        for row in rows
    )  # fmt: skip
    code = exit_codes.FOUND if failed else exit_codes.OK
    return Outcome("policy", payload, "\n".join(lines), code, findings=findings)


def _rows(desk: Desk, entry: DatasetEntry) -> Iterator[dict[str, Any]]:
    """Yield what is to be said of the active policy, and of the one checked beside it."""
    if not entry.policy:
        yield _bad(entry.name, entry.urn, "SF346", "there is no policy")
        return
    try:
        policy, approval = desk.compiled.policy(entry)
    except PolicyRejected as error:
        yield _bad(entry.name, entry.urn, error.code, str(error))
        return
    yield _row(desk, entry, policy, approval)
    due = entry.earlier and approval.at and desk.now < beside_until(approval.at)
    if due and desk.compiled.earlier(entry, policy, approval, desk.now) is None:
        why = "the version before, still to be checked beside it, was altered; it has no say"
        yield _bad(f"{entry.name} (version before)", entry.urn, "SF403", why)


def _row(desk: Desk, entry: DatasetEntry, policy: Policy, approval: Approval) -> dict[str, Any]:
    changed = entry.source_digest != source_digest(desk.project.root, entry.files)
    return {
        "name": entry.name,
        "urn": entry.urn,
        "status": "approved" if approval.approved else "draft",
        "version": policy.version,
        "digest": policy.digest,
        "by": approval.by or None,
        "key_id": approval.key_id or None,
        "signed_at": approval.at or None,
        "code": approval.code or None,
        "why": approval.sentence if not approval.approved else None,
        "source_differs": changed or bool(entry.draft),
    }


def _bad(name: str, urn: str, code: str, why: str) -> dict[str, Any]:
    return {
        "name": name, "urn": urn, "status": "rejected", "version": None, "digest": None,
        "by": None, "key_id": None, "signed_at": None, "code": code, "why": why,
        "source_differs": False,
    }  # fmt: skip


SUBVERBS = {
    "sign": sign_policies,
    "verify": verify,
    "diff": diff,
    "versions": versions,
    "rollback": rollback,
    "keys": keys,
}
