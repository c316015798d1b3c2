"""Quarantine ages: a week hot, to thirty days warm, to ninety cold, then gone. Each step is logged.

Warm rows are compacted where they are; cold ones leave the table for one archive file a write.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from sfctl.runtime.publishing.lock import dataset_lock
from sfctl.runtime.publishing.quarantine import Held, Quarantine
from sfctl.runtime.publishing.replay import announce
from sfctl.runtime.publishing.request import Ports, PublishRequest

Age = Literal["hot", "warm", "cold", "gone"]
WARM_AFTER = 7
COLD_AFTER = 30
GONE_AFTER = 90
TABLE = "quarantine_age"
ACTIONS: dict[Age, str] = {"warm": "compact", "cold": "archive", "gone": "expire"}


class Step(msgspec.Struct, frozen=True):
    """What age does to the rows of one write, held for `days` full days."""

    action: str
    age: Age
    write_key: str
    run_id: str
    dt: str
    rows: int
    days: int


def age_of(days: int) -> Age:
    """Return what rows held for `days` full days are."""
    if days < WARM_AFTER:
        return "hot"
    if days < COLD_AFTER:
        return "warm"
    return "cold" if days < GONE_AFTER else "gone"


def days_held(held: Held, now: datetime) -> int:
    """Return for how many full days rows have been held."""
    return max((now - held.held_at).days, 0)


def expire(
    template: PublishRequest, ports: Ports, now: datetime, *, dry_run: bool = True
) -> list[Step]:
    """Move every row to where its age belongs; return what was, or would be, done.

    `template` names dataset, stage, policy and paths. Rows of every state age alike. Raises
    StoreError when the quarantine cannot be changed; the next call goes on from there.
    """
    with dataset_lock(ports.store / "locks", template.stage_urn, seconds=ports.lock_seconds):
        store = Quarantine(template.quarantine_path, template.dataset_urn)
        writes: dict[str, list[Held]] = {}
        for held in store.held():
            if held.stage == template.stage:
                writes.setdefault(held.write_key, []).append(held)
        steps: list[Step] = []
        for key, parts in writes.items():
            step = _due(parts, template, ports, now)
            if step is None:
                continue
            if not dry_run:
                _take(step, store)
                announce(
                    store, parts[0], template, ports,
                    action=step.action, rows=step.rows, ordinal=len(steps), reason=step.age,
                )  # fmt: skip
                item = f"{template.stage_urn}/{key}"
                if step.age == "gone":
                    ports.state.delete(TABLE, item)
                else:
                    ports.state.put(TABLE, item, {"age": step.age})
            steps.append(step)
        if not dry_run and any(step.age != "warm" for step in steps):
            store.table.vacuum([], retention_hours=0, dry_run=False)
        return steps


def _due(parts: list[Held], template: PublishRequest, ports: Ports, now: datetime) -> Step | None:
    """Return the step a write is due for, None when it is where it belongs."""
    first = parts[0]
    days = days_held(first, now)
    age = age_of(days)
    item = ports.state.get(TABLE, f"{template.stage_urn}/{first.write_key}")
    if age == "hot" or (item is not None and item.value["age"] == age):
        return None
    rows = sum(held.rows for held in parts)
    return Step(ACTIONS[age], age, first.write_key, first.run_id, first.dt, rows, days)


def _take(step: Step, store: Quarantine) -> None:
    if step.age == "warm":
        store.compact(step.dt, step.run_id)
    elif step.age == "cold":
        store.archive(step.write_key)
    else:
        store.remove(step.write_key)
