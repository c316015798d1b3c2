"""`sfctl pii`: where personal data lies, and tokens opened only on the record."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl import wiring
from sfctl.commands.pii import detokenize, scan
from sfctl.errors import SfctlError, SourceError, UsageError
from sfctl.evidence.outbox import MAX_FOLDER_BYTES
from sfctl.evidence.port import Query
from sfctl.runtime.pii import keys
from sfctl.runtime.pii.tokens import Tokenizer
from tests.shop_rig import Shop, compile_shop, copy_shop

SECRET = "jane.doe@shop.example"
N = 400


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pii") / "shop"
    root.mkdir()
    compile_shop(root)
    return root


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("SFCTL_ACTOR", "ann")
    return copy_shop(template, tmp_path / "shop")


def token(shop: Shop, value: str = SECRET, kind: str = "EMAIL") -> str:
    return Tokenizer(keys.load(shop.root / ".sfctl")).token(value, kind)


def record(shop: Shop) -> list[dict[str, Any]]:
    with wiring.open_bus(shop.root / ".sfctl") as bus:
        return [found.event.payload for found in bus.query(Query(kind="PII"))]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Columns of every kind; `order` has sixteen digits of which a tenth pass Luhn by chance."""
    frame = pl.DataFrame(
        {
            "id": range(N),
            "mail": [f"u{i}@shop.example" if i % 2 else None for i in range(N)],
            "card": ["4111 1111 1111 1111"] * N,
            "digits": [4111111111111111] * N,
            "order": [str(4_000_000_000_000_000 + i * 7919) for i in range(N)],
            "note": ["call +44 20 7946 0958 today" if i == 0 else "nothing" for i in range(N)],
            "host": [{"ip": "192.168.1.7"}] * N,
            "tags": [["DE89370400440532013000", "x"]] * N,
        }
    )
    frame.write_parquet(tmp_path / "people.parquet")
    return tmp_path / "people.parquet"


def test_columns_are_of_a_kind_by_the_share_of_their_values(people: Path) -> None:
    outcome = scan(str(people))
    found = {c["name"]: c for c in outcome.payload["columns"]}
    assert {name: c["kind"] for name, c in found.items()} == {
        "id": None, "mail": "EMAIL", "card": "CREDIT_CARD", "digits": "CREDIT_CARD",
        "order": None, "note": None, "host.ip": "IP", "tags": "IBAN",
    }  # fmt: skip
    assert [found["mail"][k] for k in ("matches", "values", "share", "sampled")] == [
        N // 2, N // 2, 1.0, False,
    ]  # fmt: skip
    assert found["note"]["kinds"] == {"PHONE": 1}
    assert 0 < found["order"]["kinds"]["CREDIT_CARD"] < N / 4
    assert outcome.exit_code == 0
    said = json.dumps(outcome.payload) + outcome.text
    for value in ("shop.example", "4111", "7946", "192.168", "DE89"):
        assert value not in said


def test_a_sample_is_drawn_from_all_rows_and_says_so(people: Path) -> None:
    first, again = (scan(str(people), sample=50).payload for _ in range(2))
    assert first == again
    assert first["rows"] == 50
    columns = {c["name"]: c for c in first["columns"]}
    assert columns["card"]["matches"] == 50
    assert all(c["sampled"] for c in first["columns"])
    assert 0 < columns["mail"]["values"] < 50


def test_a_policy_brings_its_kinds_and_tells_what_is_not_declared(
    tmp_path: Path, people: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "pii:\n  detection:\n"
        "    - {pattern: EMAIL, columns: [mail], action: tokenize}\n"
        "    - {pattern: CUSTOM, name: ORDER, regex: '4[0-9]{15}', action: mask}\n"
    )
    outcome = scan(str(people), policy=policy)
    found = {c["name"]: (c["kind"], c["declared"]) for c in outcome.payload["columns"]}
    assert found["mail"] == ("EMAIL", "tokenize")
    assert found["order"] == ("ORDER", "mask")
    assert found["card"] == ("CREDIT_CARD", None)
    assert outcome.exit_code == 1
    alone = tmp_path / "mail.csv"
    alone.write_text("mail\na@b.example\n")
    assert scan(str(alone), policy=policy).exit_code == 0
    with pytest.raises(UsageError, match=r"no\.yaml does not exist"):
        scan(str(people), policy=tmp_path / "no.yaml")


def test_an_empty_file_has_its_columns_and_no_findings(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("mail,id\n")
    columns = scan(str(empty)).payload["columns"]
    assert [(c["name"], c["kind"], c["share"]) for c in columns] == [
        ("mail", None, 0.0), ("id", None, 0.0),
    ]  # fmt: skip


def test_texts_give_spans_in_characters(tmp_path: Path) -> None:
    texts = [
        "Ünïcödé, then jane@shop.example.",
        "IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF",
        "card 4111 1111 1111 1111 12/27 or 4111 1111 1111 1112",
        "",
        "ssn 123-45-6789 at 10.0.0.1, +1 (415) 555-2671",
    ]
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps({"text": t}) for t in texts) + "\n\n")
    payload = scan(str(path)).payload
    told = [(s["kind"], texts[s["line"] - 1][s["start"] : s["end"]]) for s in payload["spans"]]
    assert told == [
        ("EMAIL", "jane@shop.example"),
        ("IBAN", "DE89 3704 0044 0532 0130 00"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("SSN", "123-45-6789"),
        ("IP", "10.0.0.1"),
        ("PHONE", "+1 (415) 555-2671"),
    ]
    assert (payload["texts"], payload["sampled"]) == (4, False)
    assert scan(str(path), sample=2).payload["texts"] == 2


def test_a_line_without_a_text_is_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "fine"}\n{"text": "jane@shop.example"\n')
    with pytest.raises(SourceError, match=r"texts\.jsonl:2 is no JSON object") as caught:
        scan(str(path))
    assert caught.value.code == "SF883"
    assert "jane" not in str(caught.value)


def test_tokens_are_opened_and_it_is_on_the_record_without_the_value(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = token(shop, "123-45-6789", "SSN")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{other}\n\n"))
    outcome = detokenize((token(shop), "-"), reason="ticket 4711", project_dir=shop.root)
    assert outcome.text == f"{SECRET}\n123-45-6789"
    assert [pair["value"] for pair in outcome.payload["values"]] == [SECRET, "123-45-6789"]
    (event,) = record(shop)
    assert (event["action"], event["actor"], event["count"], event["outcome"]) == (
        "detokenize", "ann", 2, "opened",
    )  # fmt: skip
    stored = b"".join(p.read_bytes() for p in (shop.root / ".sfctl").rglob("*") if p.is_file())
    assert SECRET.encode() not in stored


@pytest.mark.parametrize("wrong", ["altered", "foreign", "no token", "other kind", "no key"])
def test_what_cannot_be_opened_is_refused_and_recorded(shop: Shop, wrong: str) -> None:
    good = token(shop)
    ring = keys.parse(keys.generate(), "test")
    given, kind, code = {
        "altered": (good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB"), "", "SF453"),
        "foreign": (Tokenizer(ring).token(SECRET, "EMAIL"), "", "SF452"),
        "no token": ("hello", "", "SF453"),
        "other kind": (good, "SSN", "SF453"),
        "no key": (good, "", "SF450"),
    }[wrong]
    if wrong == "no key":
        (shop.root / ".sfctl" / keys.FILE).unlink()
    with pytest.raises(UsageError) as caught:
        detokenize((good, given), reason="why", kind=kind, project_dir=shop.root)
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert SECRET not in str(caught.value)
    (event,) = record(shop)
    assert (event["outcome"], event["error_code"]) == ("refused", code)


def test_nothing_is_opened_that_cannot_be_recorded(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = shop.root / ".sfctl" / "outbox"
    shutil.rmtree(outbox, ignore_errors=True)
    outbox.write_text("in the way")
    with pytest.raises(SfctlError) as caught:
        detokenize((token(shop),), reason="why", project_dir=shop.root)
    assert caught.value.exit_code == 3
    assert SECRET not in capsys.readouterr().out


def test_a_full_outbox_refuses_before_a_value_is_shown(shop: Shop) -> None:
    outbox = shop.root / ".sfctl" / "outbox"
    outbox.mkdir(exist_ok=True)
    with (outbox / "kept").open("wb") as file:
        file.truncate(MAX_FOLDER_BYTES)
    with pytest.raises(SfctlError, match="cannot be put on the record") as caught:
        detokenize((token(shop),), reason="why", project_dir=shop.root)
    assert (caught.value.code, caught.value.exit_code) == ("SF882", 3)
    assert SECRET not in str(caught.value)


def test_a_reason_and_a_token_are_asked_for(shop: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        detokenize((token(shop),), reason=" ", project_dir=shop.root)
    assert caught.value.code == "SF880"
    with pytest.raises(UsageError) as caught:
        detokenize((), reason="why", project_dir=shop.root)
    assert caught.value.code == "SF881"
    assert record(shop) == []
