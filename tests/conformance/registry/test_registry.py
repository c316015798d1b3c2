"""The suite of the registry port. An implementation is one fixture; every test is for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sfctl.errors import UsageError
from sfctl.model.schema import Column, Schema
from sfctl.model.types import parse
from sfctl.registry.embedded import FileRegistry
from sfctl.registry.port import SchemaRegistry

ORDERS, LINES, FOREIGN = "urn:dp:shop:orders", "urn:dp:shop:lines", "urn:dp:shop:nobody"
SUBJECTS = (ORDERS, LINES)
AT = "2026-11-21T12:00:00Z"
Open = Callable[[], SchemaRegistry]


def of(*columns: str) -> Schema:
    pairs = (text.split(" ", 1) for text in columns)
    return Schema(tuple(Column(name, parse(kind), True) for name, kind in pairs))


ONE = of("id INT64", "items ARRAY<STRUCT<`a b`:INT32 NOT NULL>>")
TWO = of("id INT64", "items ARRAY<STRUCT<`a b`:INT64 NOT NULL>>")


@pytest.fixture(params=["embedded"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    handles: list[SchemaRegistry] = []
    folders = {subject: tmp_path / subject.rpartition(":")[2] / "schemas" for subject in SUBJECTS}

    def again() -> SchemaRegistry:
        handles.append(FileRegistry(folders))
        return handles[-1]

    yield again
    for handle in handles:
        handle.close()


@pytest.fixture
def registry(opened: Open) -> SchemaRegistry:
    return opened()


def put(registry: SchemaRegistry, schema: Schema, subject: str = ORDERS, **more: str) -> int:
    by, at = more.pop("by", "ada"), more.pop("at", AT)
    return registry.register(
        subject, schema, at=at, by=by, formats=more or {"gold": "delta"}
    ).version


def test_what_was_never_registered_is_nothing(registry: SchemaRegistry) -> None:
    for subject in (ORDERS, FOREIGN):
        assert registry.latest(subject) is None
        assert registry.versions(subject) == ()
        assert registry.version(subject, 1) is None
    assert registry.subjects() == ()


def test_versions_count_from_one_and_say_who_and_when(opened: Open) -> None:
    assert put(opened(), ONE) == 1
    assert put(opened(), TWO, by="bob", at="2026-11-22T12:00:00Z") == 2
    again = opened()
    first, second = again.versions(ORDERS)
    assert (first.version, first.registered_by, first.registered_at) == (1, "ada", AT)
    assert (second.registered_by, second.formats) == ("bob", {"gold": "delta"})
    assert (first.schema(), second.schema()) == (ONE, TWO)
    assert (second.fingerprint, second.shape) == (TWO.fingerprint(), TWO.shape())
    assert again.latest(ORDERS) == again.version(ORDERS, 2) == second
    assert again.version(ORDERS, 3) is None
    assert again.subjects() == (ORDERS,)


def test_the_same_again_is_the_same_version_and_the_way_back_a_new_one(
    registry: SchemaRegistry,
) -> None:
    assert [put(registry, each) for each in (ONE, ONE, TWO, TWO, ONE)] == [1, 1, 2, 2, 3]
    assert put(registry, ONE, gold="parquet") == 4, "another format is another version"
    marks = [each.fingerprint for each in registry.versions(ORDERS)]
    assert marks == [each.fingerprint() for each in (ONE, TWO, ONE, ONE)]


def test_subjects_know_nothing_of_each_other(registry: SchemaRegistry) -> None:
    assert (put(registry, ONE), put(registry, TWO, LINES)) == (1, 1)
    assert registry.subjects() == (LINES, ORDERS)
    latest = registry.latest(LINES)
    assert latest is not None
    assert latest.schema() == TWO


def test_a_subject_without_a_place_is_refused(registry: SchemaRegistry) -> None:
    with pytest.raises(UsageError) as error:
        put(registry, ONE, FOREIGN)
    assert error.value.code == "SF521"


def test_of_many_writers_at_once_each_has_a_version(opened: Open) -> None:
    schemas = [of(f"column_{i} INT64") for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda each: put(opened(), each), schemas))
    assert sorted(numbers) == list(range(1, 9))
    kept = {each.version: each.schema() for each in opened().versions(ORDERS)}
    assert kept == dict(zip(numbers, schemas, strict=True))


def test_of_many_writers_of_the_same_all_get_one_version(opened: Open) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(lambda _: put(opened(), ONE), range(8)))
    assert numbers == {1}
    assert len(opened().versions(ORDERS)) == 1
