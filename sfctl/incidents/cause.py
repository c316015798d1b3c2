"""Who an incident is: a hash of the cause that its first symptom points to."""

from __future__ import annotations

from sfctl.incidents.seen import Seen
from sfctl.model import ids


def cause_key(seen: Seen) -> str:
    """Return the identity: the deployment that brought it, else the failing signature there."""
    return _key(*cause(seen))


def cause(seen: Seen) -> tuple[str, ...]:
    """Return the cause in words, most certain first: deployment, blocking gate, signature."""
    around = seen.around
    if around.deployment:
        return ("deployment", around.deployment)
    dataset, signature = around.blocked_by or (seen.dataset, seen.symptom.signature)
    if signature:
        return ("signature", dataset, signature)
    return ("signal", dataset, seen.symptom.signal_type, seen.symptom.reason)


def of_deployment(deployment: str) -> str:
    """Return the identity of what a deployment brought."""
    return _key("deployment", deployment)


def again(key: str, number: int) -> str:
    """Return the identity of a cause that came back long after its incident had been closed."""
    return _key("again", key, number)


def _key(*parts: object) -> str:
    return ids.entropy_of(*parts).hex()[:16]
