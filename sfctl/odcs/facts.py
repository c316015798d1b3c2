"""What a dataset's two files say, as single facts that can be compared, added and taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Key = tuple[str, ...]
"""`("dataset", …)` or `("policy", …)`, then the keys below; a member of a list ends in its text."""
Facts = dict[Key, Any]

CONSTRAINTS: Key = ("policy", "schema", "constraints")
REQUIRED: Key = ("policy", "contract_lite", "required_fields")
RULES: Key = ("policy", "contract", "rules")
DETECTION: Key = ("policy", "pii", "detection")
SOURCE: Key = ("policy", "contract", "source")
"""Where the contract is kept: a fact of this repo, not of the contract."""
LISTS = (
    CONSTRAINTS,
    REQUIRED,
    ("policy", "contract_lite", "invariants"),
    RULES,
    ("policy", "dq", "rules"),
    DETECTION,
)
_BLOCKS = (
    ("policy", "schema"),
    ("policy", "contract_lite"),
    ("policy", "contract"),
    ("policy", "dq"),
    ("policy", "pii"),
    ("dataset", "slo"),
)


def of_files(dataset: Mapping[str, Any], policy: Mapping[str, Any]) -> Facts:
    """Return what `dataset.yaml` and `policy_bundle.yaml` say."""
    found: Facts = {}
    for file, values in (("dataset", dataset), ("policy", policy)):
        for name, value in values.items():
            _collect((file, name), value, found)
    found.pop(SOURCE, None)
    return found


def member(of: Key, value: Any) -> Key:
    """Return the key of one entry of a list: constraints by their column, others by content."""
    if of == CONSTRAINTS:
        return (*of, str(value["field"]))
    return (*of, json.dumps(value, sort_keys=True, ensure_ascii=False))


def put(facts: Facts, of: Key, value: Any) -> Key:
    """Add an entry to a list and return its key."""
    key = member(of, value)
    facts[key] = value
    return key


def same(one: Facts, other: Facts) -> bool:
    """Tell whether both say the same; the order of rules is what people see, not what holds."""
    return bool(canonical(one) == canonical(other))


def canonical(value: Any) -> Any:
    """Return a value by which equal ones are known: 1 is 1.0, but true is not 1."""
    if isinstance(value, Mapping):
        return frozenset((key, canonical(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(canonical(each) for each in value)
    return (isinstance(value, bool), value)


def named(key: Key) -> str:
    """Return how results call a fact: `policy.contract.rules: {…}`."""
    path = ".".join(key[:-1] if key[:-1] in LISTS else key)
    return f"{path}: {key[-1]}" if key[:-1] in LISTS else path


def _collect(key: Key, value: Any, found: Facts) -> None:
    if key in LISTS and isinstance(value, list):
        for each in value:
            put(found, key, each)
    elif key in _BLOCKS and isinstance(value, Mapping):
        for name, each in value.items():
            _collect((*key, name), each, found)
    elif value is not None:
        found[key] = value
