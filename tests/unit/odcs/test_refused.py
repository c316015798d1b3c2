"""What the standard refuses is refused here, at its place, with a code and a way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfctl.codes import CODES
from tests.unit.odcs.shop import Shop

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\n"
OLD = HEAD.replace("v3.1.0", "v3.0.2")
TABLE = "schema:\n  - name: t\n    properties:\n      - name: a\n"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 8) + "]\n" for n in range(1, 9)
)

CASES: dict[str, tuple[str, str]] = {
    "a version of tomorrow": (
        HEAD.replace("v3.1.0", "v4.0.0"),
        "1:13 SF280 contracts of this version are not read (got 'v4.0.0', expected one of v3.1.0, "
        "v3.0.2, v3.0.1, v3.0.0, v2.2.2, v2.2.1, v2.2.0)",
    ),
    "no version": (
        HEAD.partition("\n")[2],
        "1:1 SF284 a contract needs `apiVersion` (expected one of v3.1.0, v3.0.2, v3.0.1, v3.0.0, "
        "v2.2.2, v2.2.1, v2.2.0)",
    ),
    "another kind": (
        HEAD.replace("DataContract", "Datacontract"),
        "2:7 SF286 `kind` is not what the standard has there (got 'Datacontract', expected "
        "DataContract)",
    ),
    "a version that is a number": (
        HEAD.replace("1.0.0", "1.0"),
        "4:10 SF286 `version` is not what the standard has there (got 1.0, expected text)",
    ),
    "a misspelt key": (
        HEAD + "servers: []\nshema: []\n",
        "7:1 SF285 a contract knows no key `shema`",
    ),
    "an unknown logical type": (
        HEAD + TABLE + "        logicalType: text\n",
        "10:22 SF286 `logicalType` is not what the standard has there (got 'text', expected one of "
        "string, date, timestamp, time, number, integer, object, array, boolean)",
    ),
    "a type that 3.0.2 does not know": (
        OLD + TABLE + "        logicalType: timestamp\n",
        "10:22 SF286 `logicalType` is not what the standard has there (got 'timestamp', expected "
        "one of string, date, number, integer, object, array, boolean)",
    ),
    "an option of another type": (
        HEAD + TABLE + "        logicalType: string\n        logicalTypeOptions: {minimum: 1}\n",
        "11:30 SF285 options of string knows no key `minimum`",
    ),
    "a truth where 3.1 has a number": (
        HEAD
        + TABLE
        + "        logicalType: integer\n        logicalTypeOptions: {exclusiveMinimum: true}\n",
        "11:48 SF286 `exclusiveMinimum` is not what the standard has there (got true, expected a "
        "number)",
    ),
    "a metric without an operator": (
        HEAD + TABLE + "        quality:\n          - metric: nullValues\n",
        "11:13 SF284 a library check needs one of `mustBe`, `mustNotBe`, `mustBeGreaterThan`, "
        "`mustBeGreaterOrEqualTo`, `mustBeLessThan`, `mustBeLessOrEqualTo`, `mustBeBetween` or "
        "`mustNotBeBetween`",
    ),
    "two operators": (
        HEAD
        + TABLE
        + "        quality:\n          - {metric: nullValues, mustBe: 0, mustNotBe: 1}\n",
        "11:45 SF286 `mustNotBe` cannot stand beside `mustBe`",
    ),
    "a metric of tomorrow": (
        HEAD + TABLE + "        quality:\n          - {metric: nulValues, mustBe: 0}\n",
        "11:22 SF286 `metric` is not what the standard has there (got 'nulValues', expected one of "
        "nullValues, missingValues, invalidValues, duplicateValues, rowCount)",
    ),
    "a server without its place": (
        HEAD + "servers:\n  - {server: lake, type: s3}\n",
        "7:5 SF284 a server of type s3 needs `location` (expected text)",
    ),
    "a reference that names no column": (
        HEAD + TABLE + "        relationships: [{to: customers}]\n",
        "10:30 SF286 `to` is not what the standard has there (got 'customers', expected "
        "table.column, or a path such as schema/id/properties/id)",
    ),
    "a list": ("- 1\n", "1:1 SF281 the document is not what the standard has there"),
    "nothing": ("", "1:1 SF108 file is empty"),
    "no YAML": (HEAD + "schema: [\n", "SF101"),
    "a key twice": (HEAD + "id: y\n", "6:1 SF106 key `id` is written twice (first at 3:1)"),
    "an alias bomb": (BOMB, "SF104 too many values"),
    "ten megabytes": (HEAD + "# " + "x" * 10_000_000, "SF104 file is too large"),
    "control characters": (HEAD + "name: a\x00b\n", "SF103"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_standard_refuses_is_told_with_its_place(name: str, shop: Shop) -> None:
    text, expected = CASES[name]
    before = _files(shop.root)
    (shop.root / "given.odcs.yaml").write_text(text)
    file = str(shop.root / "given.odcs.yaml")
    _, err = shop.say("import", "odcs", file, code=2)
    assert f"given.odcs.yaml:{expected}" in err or (expected[0] == "S" and expected in err), err
    assert "hint:" in err
    assert "Traceback" not in err
    (shop.root / "given.odcs.yaml").unlink()
    assert _files(shop.root) == before, "a refused contract leaves everything as it was"


def test_a_near_miss_is_named(shop: Shop) -> None:
    file = shop.root / "given.odcs.yaml"
    file.write_text(CASES["a metric of tomorrow"][0])
    assert "did you mean `nullValues`?" in shop.say("import", "odcs", str(file), code=2)[1]
    file.write_text(CASES["a misspelt key"][0])
    assert "did you mean `schema`?" in shop.say("import", "odcs", str(file), code=2)[1]


def test_all_problems_come_at_once_as_json_too(shop: Shop) -> None:
    broken = {"apiVersion": "v3.1.0", "kind": "X", "id": 5, "status": None}
    found = shop.take(broken, code=2)
    codes = [problem["code"] for problem in found["problems"]]
    assert sorted(codes) == ["SF284", "SF286", "SF286", "SF286"]
    assert all(problem["line"] == 1 and problem["col"] > 0 for problem in found["problems"])


@pytest.mark.parametrize(
    "code", [f"SF{n}" for n in (280, 281, 284, 285, 286, 287, 288, 289, 290, 291, 292)]
)
def test_every_code_is_explained(code: str, shop: Shop) -> None:
    assert CODES[code].title in shop.say("explain", code)[0]


def _document(**more: Any) -> dict[str, Any]:
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1"}
    return {**head, "status": "active", **more}


@pytest.mark.parametrize(
    ("document", "words", "code", "said"),
    [
        (_document(), (), "SF288", "describes no table"),
        (_document(schema=[{"name": "t"}]), ("--table", "u"), "SF288", "no table 'u'"),
        (_document(schema=[{"name": "a b"}, {"name": "a-b"}]), (), "SF288", "one dataset"),
        (_document(schema=[{"name": "a"}, {"name": "b"}]), ("--name", "c"), "SF288", "is one"),
        (_document(schema=[{"name": "a"}]), ("--name", "../up"), "SF288", "fits no table"),
        (_document(schema=[{"name": "a"}]), ("--server", "s"), "SF292", "no server 's'"),
        (_document(schema=[{"name": "a"}]), ("--tier", "1"), "SF003", "no tier"),
        (_document(schema=[{"name": "a"}]), ("--keep", "--replace"), "SF003", "exclude"),
    ],
)
def test_a_request_that_cannot_be_meant_writes_nothing(
    document: Any, words: tuple[str, ...], code: str, said: str, shop: Shop
) -> None:
    error = shop.take(document, *words, code=2)["error"]
    assert error["code"] == code
    assert said in error["message"]
    assert not (shop.root / "datasets").exists()


def test_exports_that_cannot_be_are_told(shop: Shop) -> None:
    shop.take(_document(schema=[{"name": "a"}]))
    shop.take(_document(id="y", schema=[{"name": "b"}]))
    assert shop.ask("export", "odcs", code=2)["error"]["code"] == "SF289"
    folder = shop.root / "out"
    shop.say("export", "odcs", "-o", f"{folder}/")
    assert sorted(p.name for p in folder.iterdir()) == ["x.odcs.yaml", "y.odcs.yaml"]
    timed = {"name": "c", "properties": [{"name": "at", "logicalType": "timestamp"}]}
    shop.take(_document(id="z", schema=[timed]))
    error = shop.ask("export", "odcs", "c", "--api-version", "v3.0.2", code=2)["error"]
    assert error["code"] == "SF290"
    (shop.root / "contracts" / "z.odcs.yaml").unlink()
    problem = shop.ask("export", "odcs", "c", code=2)["problems"][0]
    assert (problem["code"], problem["path"]) == ("SF291", "datasets/c/policy_bundle.yaml")
    (shop.root / "contracts" / "z.odcs.yaml").write_text("[]")
    found = shop.ask("export", "odcs", "c", code=2)["problems"]
    assert {each["code"] for each in found} == {"SF291", "SF281"}


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_json_is_read_as_well(shop: Shop) -> None:
    document = _document(schema=[{"name": "t", "properties": [{"name": "a", "required": True}]}])
    assert shop.take(json.dumps(document, indent="\t"))["written"]
    assert shop.give() == document
