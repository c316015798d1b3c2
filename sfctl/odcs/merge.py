"""A contract's facts brought into a dataset that has facts of its own: three ways, as git merges.

What the contract said when it was last imported is the base. What a person wrote stays; where
both changed the same thing it is a conflict, and somebody has to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sfctl.odcs.facts import CONSTRAINTS, LISTS, Facts, Key, canonical
from sfctl.spec.edit import Edit

Decision = Literal["ask", "replace", "keep"]
_LABELS = (("policy", "contract", "version"), ("policy", "contract", "description"))
"""What says which contract this is; it follows the contract whatever stood there."""
_ABOUT = ("kind", "name", "id", "field", "fields", "columns")


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that repo and contract say differently."""

    key: Key
    ours: Any
    theirs: Any


@dataclass(slots=True)
class Merge:
    """What is to change: facts to set or add, facts to take away, and what needs a decision."""

    put: Facts = field(default_factory=dict)
    gone: Facts = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    kept: list[Conflict] = field(default_factory=list)
    """Differences in which the repo's word was left standing."""

    @property
    def changes(self) -> bool:
        return bool(self.put or self.gone)


def merged(
    base: Mapping[Key, Any],
    current: Mapping[Key, Any],
    new: Mapping[Key, Any],
    decision: Decision = "ask",
) -> Merge:
    """Return how `current` takes over what leads from `base` to `new`."""
    result = Merge()
    lost = {_subject(key, base[key]) for key in base.keys() - current.keys() - new.keys()} - {None}
    for key, value in new.items():
        before, now = base.get(key), current.get(key)
        if key in current and canonical(now) == canonical(value):
            continue
        if key in base and canonical(before) == canonical(value):
            if decision == "replace":
                result.put[key] = value
            else:
                result.kept.append(Conflict(key, now, value))
        elif key not in current and _subject(key, value) in lost:
            own = _own(_subject(key, value), base, current, new)
            if decision == "replace":
                result.put[key] = value
                result.gone |= own
            else:
                told = Conflict(key, next(iter(own.values()), None), value)
                (result.conflicts if decision == "ask" else result.kept).append(told)
        elif key not in current or canonical(now) == canonical(before) or key in _LABELS:
            result.put[key] = value
        elif key[:-1] == CONSTRAINTS and _agree(now, value):
            combined = {**value, **current[key]}
            if combined != now:
                result.put[key] = combined
        elif decision == "ask":
            result.conflicts.append(Conflict(key, now, value))
        elif decision == "replace":
            result.put[key] = value
        else:
            result.kept.append(Conflict(key, now, value))
    for key, before in base.items():
        if key not in new and key in current:
            if canonical(current[key]) == canonical(before):
                result.gone[key] = before
            elif decision == "ask":
                result.conflicts.append(Conflict(key, current[key], None))
    return result


def applied(current: Facts, merge: Merge) -> Facts:
    """Return the facts after the merge."""
    kept = {key: value for key, value in current.items() if key not in merge.gone}
    return {**kept, **merge.put}


def edits(current: Mapping[Key, Any], merge: Merge) -> dict[str, list[Edit]]:
    """Return what is to be edited in each of the two files, by `dataset` and `policy`."""
    found: dict[str, list[Edit]] = {"dataset": [], "policy": []}
    for key, value in _ordered(merge.gone.items()):
        listed = key[:-1] in LISTS
        path = key[1:-1] if listed else key[1:]
        found[key[0]].append(Edit("remove" if listed else "drop", path, value))
    for key, value in merge.put.items():
        if key[:-1] not in LISTS:
            found[key[0]].append(Edit("set", key[1:], value))
        else:
            if key in current:
                found[key[0]].append(Edit("remove", key[1:-1], current[key]))
            found[key[0]].append(Edit("add", key[1:-1], value))
    return found


def _subject(key: Key, value: Any) -> tuple[str, ...] | None:
    """Return what an entry of a list is about: its list, kind, and columns or id.

    Rules are known by all that they say, so one that was changed is another; this tells that both
    sides changed the same. None for what has no more to say than its key.
    """
    if key[:-1] not in LISTS or key[:-1] == CONSTRAINTS or not isinstance(value, Mapping):
        return None
    return (*key[:-1], *(str(value.get(name)) for name in _ABOUT))


def _own(
    subject: tuple[str, ...] | None,
    base: Mapping[Key, Any],
    current: Mapping[Key, Any],
    new: Mapping[Key, Any],
) -> Facts:
    """Return the entries about a subject that people wrote."""
    return {
        key: value
        for key, value in current.items()
        if key not in base and key not in new and _subject(key, value) == subject
    }


def _agree(ours: Any, theirs: Any) -> bool:
    """Tell whether two constraints of one column can both hold: the same type, where both name it.

    Descriptions may differ: the repo's stays.
    """
    keys = (ours.keys() & theirs.keys()) - {"description"}
    return all(canonical(ours[key]) == canonical(theirs[key]) for key in keys)


def _ordered(items: Iterable[tuple[Key, Any]]) -> list[tuple[Key, Any]]:
    return sorted(items, key=lambda item: item[0])
