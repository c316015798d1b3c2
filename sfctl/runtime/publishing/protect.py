"""PII actions on what goes out: done in full, else redacted by name, else nothing goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.model.policy import Detection, Policy, Unique
from sfctl.model.verdict import PiiFinding
from sfctl.runtime.publishing.engine import Frame

if TYPE_CHECKING:
    from sfctl.runtime.publishing.request import Ports


@dataclass(frozen=True, slots=True)
class Protected:
    """A frame that may be written, or None when none may. `fault` says why actions failed."""

    frame: Frame | None
    findings: tuple[PiiFinding, ...] = ()
    fault: str = ""


def protect(frame: Frame, policy: Policy, ports: Ports, *, off: str = "") -> Protected:
    """Return the frame with every action done, or what may be written when they cannot be.

    `off` is why actions are not even tried. Never raises: a fault redacts the named columns where
    that leaves no hole (nullable, or with a placeholder), otherwise nothing may be written.
    """
    acting = [d for d in policy.pii if d.action != "none"]
    if not acting and (off or not policy.pii):
        return Protected(frame)
    if off:
        return Protected(redacted(frame, acting, policy, ports), fault=f"PII:{off}")
    try:
        done, findings = ports.act(frame, policy.pii)
    except Exception as error:  # noqa: BLE001  whatever failed, plaintext must not leave
        reason = str(getattr(error, "code", type(error).__name__))
        if not acting:
            return Protected(frame, fault=f"PII:{reason}")
        return Protected(redacted(frame, acting, policy, ports), fault=f"PII:{reason}")
    return Protected(done, (*findings, *_advised(frame, policy, ports)))


def keys_acted_on(policy: Policy, stage: str, findings: Sequence[PiiFinding]) -> tuple[str, ...]:
    """Return the rules that compare rows with a table which has their keys in another form.

    What was acted on differs from what is there even where both were the same text.
    """
    acted = {
        found.column.partition(".")[0]
        for found in findings
        if found.matches and not found.advised and found.action != "none"
    }
    return tuple(
        rule.id
        for rule in policy.rules_for(stage)
        if isinstance(rule.check, Unique)
        and rule.check.scope == "table"
        and acted
        and (
            not rule.check.fields
            or not acted.isdisjoint(name.partition(".")[0] for name in rule.check.fields)
        )
    )


def _advised(frame: Frame, policy: Policy, ports: Ports) -> tuple[PiiFinding, ...]:
    """Return kinds that nobody declared, seen in a sample; a fault there is not worth a write."""
    try:
        return ports.engine.advised(frame, policy.pii)
    except Exception:  # noqa: BLE001  advice only
        return ()


def redacted(
    frame: Frame, acting: Sequence[Detection], policy: Policy, ports: Ports
) -> Frame | None:
    """Return the frame with every acted column emptied, or None when one may not be emptied."""
    known = {column.name: column for column in (*(policy.schema.baseline or ()),)}
    known |= {column.name: column for column in policy.schema.columns}
    present = ports.engine.columns(frame)
    empty: dict[str, str | None] = {}
    for detection in acting:
        if not detection.columns:
            return None
        for name in detection.columns:
            if name not in present:
                name = name.partition(".")[0]  # a field goes with the column it lies in
            if name not in present:
                continue
            column = known.get(name)
            if detection.placeholder is not None:
                empty[name] = detection.placeholder
            elif column is not None and (column.required or column.nullable is False):
                return None
            else:
                empty.setdefault(name, None)
    return ports.engine.redacted(frame, empty)
