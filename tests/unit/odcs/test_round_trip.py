"""What goes in comes out again: contracts through a repo, and datasets through a contract."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfctl.odcs.account import Account
from sfctl.odcs.contract import Contract, judged, parsed
from sfctl.odcs.export import Source, exported
from sfctl.odcs.facts import (
    CONSTRAINTS,
    RULES,
    Facts,
    canonical,
    of_files,
    put,
    same,
)
from sfctl.odcs.table import take_table
from sfctl.spec.yaml import parse
from tests.unit.odcs import mutations
from tests.unit.odcs.shop import Shop
from tests.unit.odcs.test_standard import accepted

EXAMPLES = Path(__file__).parents[3] / "examples" / "project" / "datasets"
WITH_TABLES = [n for n, d in mutations.documents().items() if d.get("schema")]


@pytest.mark.parametrize("name", WITH_TABLES)
def test_a_contract_comes_out_of_the_repo_as_it_went_in(name: str, shop: Shop) -> None:
    text = (mutations.DOCUMENTS / name).read_text()
    taken = shop.take(text)
    assert taken["written"]
    assert shop.say("export", "odcs")[0] == text, "not a letter is lost, comments included"
    shop.say("validate")
    again = shop.take(text)
    assert again["files"] == []
    assert [each["change"] for each in again["datasets"]] == ["unchanged"] * len(again["datasets"])


@pytest.mark.parametrize("name", WITH_TABLES)
def test_a_server_taken_as_storage_comes_out_again(name: str, shop: Shop) -> None:
    document = mutations.documents()[name]
    for server in document.get("servers", ()):
        shop.take(document, "--server", server["server"], "--replace")
        assert shop.give() == document


def test_changed_contracts_are_read_to_facts_and_back() -> None:
    chance = random.Random(7)
    corpus = list(mutations.documents().values())
    met = 0
    for document in corpus:
        strict = document["apiVersion"] == "v3.1.0"
        for part in mutations.slices(document):
            for changed in mutations.grafted(part, corpus, chance, 12):
                whole = json.loads(mutations.text_of(changed))
                if accepted(whole, strict) and whole.get("schema"):
                    table = take_table(whole, 0, Account(whole))
                    source = Source("x", dict(table.facts), table)
                    found = exported([source], whole["apiVersion"], _kept(whole))
                    assert canonical(found.document) == canonical(whole)
                    assert found.beside == ()
                    met += 1
    assert met > 50


@pytest.mark.parametrize("name", WITH_TABLES)
def test_what_a_person_changes_after_an_import_is_changed_in_the_contract(name: str) -> None:
    chance = random.Random(11)
    document = mutations.documents()[name]
    for _ in range(8):
        for index in range(len(document["schema"])):
            table = take_table(document, index, Account(document))
            facts = {k: v for k, v in table.facts.items() if chance.random() < 0.7}
            columns = [v["field"] for k, v in table.facts.items() if k[:-1] == CONSTRAINTS] or ["x"]
            column = chance.choice(columns)
            changed = {
                "field": column,
                "type": chance.choice(["STRING", "DATE", "INT64", "DOUBLE"]),
            }
            facts[*CONSTRAINTS, column] = {**changed, "nullable": chance.random() < 0.5}
            put(facts, RULES, {"kind": "range", "field": column, "min": chance.randint(0, 9)})
            put(facts, ("policy", "dq", "rules"), "1 < 2")
            facts["policy", "enforcement"] = {"level": "G3"}
            found = exported([Source("x", facts, table)], document["apiVersion"], _kept(document))
            read = json.loads(mutations.text_of(found.document))
            node, _ = parse(mutations.text_of(read), "exported")
            assert node is not None
            assert judged(node) == []
            assert same(take_table(read, index, Account(read)).facts, facts)
            for key in ("roles", "support", "price", "servers", "customProperties", "domain"):
                assert read.get(key) == document.get(key)


@pytest.mark.parametrize("version", ["v3.1.0", "v3.0.2"])
@pytest.mark.parametrize("folder", sorted(p.name for p in EXAMPLES.iterdir()))
def test_the_example_datasets_come_back_whole(folder: str, version: str, shop: Shop) -> None:
    files = [
        (EXAMPLES / folder / file).read_text() for file in ("dataset.yaml", "policy_bundle.yaml")
    ]
    shop.put(folder, *files)
    before = shop.facts(folder)
    document = shop.give(folder, version=version)
    (shop.root / "datasets" / folder / "dataset.yaml").unlink()
    (shop.root / "datasets" / folder / "policy_bundle.yaml").unlink()
    shop.take(document)
    assert same(shop.facts(folder), before)


_NAME = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
_COLUMNS = ("a", "b", "c.d", "tot al")
_TYPES = (
    "STRING",
    "INT64",
    "DECIMAL(12,2)",
    "DATE",
    "TIMESTAMP",
    "DOUBLE",
    "ARRAY<STRING>",
    "TIME",
)
_COLUMN = st.sampled_from(_COLUMNS)
_MORE = st.fixed_dictionaries(
    {},
    optional={
        "id": _NAME,
        "severity": st.sampled_from(["error", "warn"]),
        "threshold": st.sampled_from([0, 3, "1%", "2.5%", 0.01]),
        "where": st.just("a IS NOT NULL"),
        "description": st.sampled_from(["why", "because: so"]),
        "tags": st.lists(_NAME, min_size=1, max_size=2, unique=True),
    },
)


def _rule(**own: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.fixed_dictionaries(own), _MORE).map(lambda pair: {**pair[0], **pair[1]})


_RULE = st.one_of(
    st.just("a IS NOT NULL OR b > 3"),
    st.just({"field": "a", "tags": ["g"], "rules": ["not_null", {"length": {"max": 3}}]}),
    _rule(kind=st.just("not_null"), field=_COLUMN),
    _rule(kind=st.just("accepted_values"), field=_COLUMN,
          values=st.lists(st.sampled_from(["x", "no", 1, 2.5, True]), min_size=1, max_size=3)),
    _rule(kind=st.just("pattern"), field=_COLUMN,
          pattern=st.sampled_from(["[A-Z]+", "^x$", "a|b", "(a|b)c", r"\d{3}"])),
    _rule(kind=st.just("format"), field=_COLUMN, format=st.sampled_from(["email", "iban", "uuid"])),
    _rule(kind=st.just("range"), field=_COLUMN, min=st.sampled_from([0, 1.5, "2020-01-01"])),
    _rule(kind=st.just("range"), field=_COLUMN, exclusive_min=st.just(0), max=st.just(9)),
    _rule(kind=st.just("length"), field=_COLUMN, min=st.integers(0, 3), max=st.integers(3, 9)),
    _rule(kind=st.just("unique"), field=_COLUMN, nulls=st.sampled_from(["equal", "distinct"])),
    _rule(kind=st.just("unique"), fields=st.just(["a", "b"])),
    _rule(kind=st.just("row_count"), min=st.integers(0, 3), max=st.integers(3, 9)),
    _rule(kind=st.just("null_rate"), field=_COLUMN, max=st.sampled_from([0.05, "5%", "0.5%"])),
    _rule(kind=st.just("aggregate"), field=_COLUMN, function=st.just("avg"), min=st.just(1)),
    _rule(kind=st.just("foreign_key"), field=_COLUMN,
          references=st.just({"dataset": "urn:dp:z:other", "field": "id"})),
    _rule(kind=st.just("custom"), function=st.just("rules.mine:check"), field=_COLUMN),
)  # fmt: skip
_RULES = st.lists(_RULE, max_size=4, unique_by=lambda rule: json.dumps(rule, sort_keys=True))


@st.composite
def _facts(draw: st.DrawFn) -> Facts:
    """Any two files of a dataset, whether or not the compiler would like them."""
    columns = draw(st.lists(_COLUMN, unique=True))
    constraints = []
    for column in columns:
        more = draw(st.fixed_dictionaries({}, optional={
            "type": st.sampled_from(_TYPES), "nullable": st.booleans(),
            "description": st.just("what: it holds"),
        }))  # fmt: skip
        constraints.append({"field": column, **more})
    policy: dict[str, Any] = {
        "schema": {"mode": draw(st.sampled_from(["strict", "compatible"]))},
        "contract_lite": {
            "required_fields": draw(st.lists(_COLUMN, unique=True)),
            "invariants": draw(st.lists(st.sampled_from(["a > 1", "b = 2"]), unique=True)),
        },
        "dq": {"rules": draw(_RULES)},
        "contract": {"rules": draw(_RULES)},
        "enforcement": draw(st.sampled_from([{"level": "G1"}, {"max_quarantine_share": "5%"}])),
    }
    policy["schema"]["constraints"] = constraints
    if draw(st.booleans()):
        policy["include"] = [{"pack": "iso", "with": {"column": "a"}}]
    if draw(st.booleans()):
        version = draw(st.sampled_from([1, 7, "1.10.0", "draft"]))
        policy["contract"] |= {"id": "dc:x.y", "version": version, "description": "on: it"}
    dataset: dict[str, Any] = {"urn": "ds://z/x", "owner_team": "t", "tier": "TIER_2"}
    extras = {
        "primary_key": st.sampled_from([["a"], ["b", "a"], "a"]),
        "tags": st.sampled_from([["x"], "x"]),
        "description": st.just("text"),
        "slo": st.sampled_from([
            {"freshness": {"max_delay_seconds": 60, "partition_key": "a"}},
            {"freshness": {"expected_update_by": "02:00 ET daily"}, "dq": 0.9},
        ]),
        "storage": st.just({"gold": {"path": "gold/x", "format": "parquet"}}),
    }  # fmt: skip
    dataset |= draw(st.fixed_dictionaries({}, optional=extras))
    return of_files(dataset, policy)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=_facts(), version=st.sampled_from(["v3.1.0", "v3.0.2"]))
def test_any_dataset_comes_back_from_its_contract(facts: Facts, version: str) -> None:
    document = exported([Source("x", facts)], version).document
    node, problems = parse(mutations.text_of(document), "exported")
    assert node is not None
    assert not problems
    assert judged(node) == [], "the official schema accepts what we give"
    read = json.loads(mutations.text_of(document))
    found = take_table(read, 0, Account(read)).facts
    assert same(found, facts)


def _kept(document: Any) -> Contract:
    return parsed(mutations.text_of(document).encode(), "kept")
