"""Bundles from text, and random expressions, for the tests of the compiler."""

from __future__ import annotations

import textwrap
from typing import Any

from hypothesis import strategies as st

from sfctl.compiler.policy import compile_policy
from sfctl.errors import Problem
from sfctl.model.expr import (
    Arithmetic,
    Between,
    Call,
    Case,
    Compare,
    Constant,
    Expr,
    Field,
    IsNull,
    Logic,
    Negate,
    Not,
    Null,
    Within,
)
from sfctl.model.functions import FUNCTIONS
from sfctl.model.literal import number
from sfctl.model.policy import Policy, Rule
from sfctl.model.types import DataType
from sfctl.model.types import parse as parse_type
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse

ANY = DataType("ANY")
BOOLEAN = DataType("BOOLEAN")
DATASET = "{urn: ds://shop/orders, owner_team: sales, tier: TIER_3}"
COLUMNS = {
    "id": "INT64",
    "n": "INT32",
    "amount": "DECIMAL(12,2)",
    "ratio": "DOUBLE",
    "name": "STRING",
    "paid": "BOOLEAN",
    "day": "DATE",
    "at": "TIMESTAMP",
    "local": "TIMESTAMP_NTZ",
    "place": "STRUCT<city:STRING,zip:INT32>",
    "open": "ANY",
}
TYPES = {name: parse_type(kind) for name, kind in COLUMNS.items()}


def node(text: str, path: str = "policy_bundle.yaml") -> Node:
    """Return YAML text as a tree."""
    found, problems = parse(textwrap.dedent(text), path)
    assert found is not None
    assert not problems
    return found


def files(
    bundle: str | None, dataset: str = DATASET, baseline: dict[str, object] | None = None
) -> DatasetFiles:
    """Return a dataset's files from their texts."""
    policy = None if bundle is None else node(bundle)
    return DatasetFiles("orders", node(dataset, "dataset.yaml"), policy, baseline)


def declared(body: str) -> str:
    """Return a bundle in which `COLUMNS` are declared before `body`."""
    lines = "".join(
        f'    - {{field: {n}, type: "{k}"}}\n' for n, k in COLUMNS.items() if k != "ANY"
    )
    return f"schema:\n  constraints:\n{lines}" + textwrap.dedent(body)


def compiled(body: str, dataset: str = DATASET, **options: Any) -> tuple[Policy, list[Problem]]:
    """Compile `body` with `COLUMNS` declared."""
    return compile_policy(files(declared(body), dataset), **options)


def only_rule(text: str) -> Rule:
    """Return the rule of a bundle whose `dq` block is `text`, which has no error."""
    policy, problems = compiled(f"dq:\n  rules:\n    - {text}\n")
    assert [p for p in problems if p.severity == "error"] == []
    (rule,) = policy.rules
    return rule


FIELDS = st.sampled_from([*COLUMNS, "missing"]).map(lambda n: Field((n,), ANY)) | st.sampled_from(
    [Field(("place", "city"), ANY), Field(("place", "zip"), ANY), Field(("we ird", '"'), ANY)]
)


def _number(text: str) -> Constant:
    found = number(text)
    assert found is not None
    return found


CONSTANTS = (
    st.integers(-(10**20), 10**20).map(lambda i: _number(str(i)))
    | st.decimals(-1000, 1000, places=3).map(lambda d: _number(f"{d:f}"))
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).map(
        lambda t: Constant(t, DataType("STRING"))
    )
    | st.booleans().map(lambda b: Constant("TRUE" if b else "FALSE", BOOLEAN))
    | st.dates().map(lambda d: Constant(d.isoformat(), DataType("DATE")))
    | st.datetimes(allow_imaginary=False).map(
        lambda t: Constant(t.replace(microsecond=0).isoformat(), DataType("TIMESTAMP_NTZ"))
    )
    | st.integers(0, 10**6).map(lambda s: Constant(str(s), DataType("DURATION")))
)


def _grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pairs = st.tuples(inner, inner)
    few = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return (
        st.tuples(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), pairs).map(
            lambda p: Compare(p[0], *p[1])
        )
        | st.tuples(st.sampled_from(["and", "or"]), few).map(lambda p: Logic(*p))
        | inner.map(Not)
        | st.tuples(st.sampled_from(["+", "-", "*", "/", "//", "%"]), pairs).map(
            lambda p: Arithmetic(p[0], *p[1], ANY)
        )
        | inner.filter(lambda e: not (isinstance(e, Constant) and e.type.is_numeric)).map(
            lambda e: Negate(e, ANY)
        )
        | st.tuples(inner, st.lists(CONSTANTS, min_size=1, max_size=3), st.booleans()).map(
            lambda p: Within(p[0], tuple(p[1]), p[2])
        )
        | st.tuples(inner, inner, inner, st.booleans()).map(lambda p: Between(*p))
        | st.tuples(inner, st.booleans()).map(lambda p: IsNull(*p))
        | st.tuples(st.lists(pairs, min_size=1, max_size=2), inner).map(
            lambda p: Case(tuple(p[0]), p[1], ANY)
        )
        | st.sampled_from(sorted(FUNCTIONS)).flatmap(
            lambda name: st.lists(
                inner, min_size=FUNCTIONS[name].arity[0], max_size=FUNCTIONS[name].arity[0]
            ).map(lambda found: Call(name, tuple(found), ANY))
        )
    )


TREES: st.SearchStrategy[Expr] = st.recursive(
    FIELDS | CONSTANTS | st.just(Null(ANY)), _grown, max_leaves=12
)
