"""What people decided: gates off and on, policies and keys, the project that holds from now on.

Every constructor is pure: the same arguments give the same event with the same id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfctl.clock import format_instant
from sfctl.model.event import event
from sfctl.model.evidence import Evidence
from sfctl.model.run import RunContext


def kill_switch(
    at: datetime, *, scope: str, state: str, reason: str, actor: str, expires: str = ""
) -> Evidence:
    """Say who switched gates `on` or `off`, where and until when."""
    payload = {"scope": scope, "state": state, "reason": reason, "actor": actor, "expires": expires}
    return event("KILL_SWITCH", None, at, (scope, state, format_instant(at)), payload=payload)


def policy(
    at: datetime,
    *,
    action: str,
    actor: str,
    reason: str = "",
    dataset_urn: str = "",
    version: int | None = None,
    digest: str = "",
    version_before: int | None = None,
    digest_before: str = "",
    key_id: str = "",
    run: RunContext | None = None,
    seq: int = 0,
    **more: Any,
) -> Evidence:
    """Say what befell a policy, the minimums or a key, and by whose hand.

    `action`: compiled, signed, rolled_back (it became active); minimum_signed; key_trusted,
    key_revoked; rejected (a run met one that does not count, `reason` says why).
    """
    payload = {
        "action": action,
        "actor": actor,
        "reason": reason or None,
        "version": version,
        "digest": digest or None,
        "version_before": version_before or None,
        "digest_before": digest_before or None,
        "key_id": key_id or None,
        **more,
    }
    unique = (action, version, digest, digest_before, key_id, reason, format_instant(at))
    return event(
        "POLICY",
        run,
        at,
        unique,
        dataset_urn=dataset_urn,
        payload=payload,
        policy_digest=digest,
        seq=seq,
    )


def config(
    at: datetime, *, manifest_digest: str, project: str, environment: str = "", **more: Any
) -> Evidence:
    """Say which compiled manifest holds from now on."""
    payload = {
        "manifest_digest": manifest_digest,
        "project": project,
        "environment": environment,
        **more,
    }
    return event("CONFIG", None, at, (manifest_digest, format_instant(at)), payload=payload)
