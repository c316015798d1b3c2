"""PII on the way out: done in full, redacted by name, or kept in: never in the clear."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.errors import SfctlError
from sfctl.model.policy import ColumnSpec, Detection, Rule, Unique
from sfctl.model.types import parse
from tests.publish_rig import Rig, batch, policy

TOKENIZE = Detection("EMAIL", "tokenize", ("note",))
EVERYWHERE = Detection("EMAIL", "mask")
TEXT = parse("STRING")


def broken(*_: Any) -> Any:
    """An action that cannot be carried out."""
    raise SfctlError("no PII key", code="SF450")


def plaintext_files(root: Path) -> list[str]:
    """Every file below `root` that holds an address, or could after decompression."""
    found = []
    for file in root.rglob("*"):
        if not file.is_file():
            continue
        if file.suffix == ".parquet":
            frame = pl.read_parquet(file)
            texts = frame.select(pl.col(pl.String)).to_dicts()
            if "example.org" in str(texts):
                found.append(str(file))
        elif b"example.org" in file.read_bytes():
            found.append(str(file))
    return found


def test_actions_are_done_before_anything_is_written(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    result = rig.write(batch(1, -1, 2), policy(pii=(TOKENIZE,)))
    assert result.rows_published == 2
    notes = rig.table().scan().collect()["note"].to_list()
    assert all(note.startswith("tok_") for note in notes)
    assert plaintext_files(tmp_path) == []
    [event] = [e for e in rig.events() if e["kind"] == "PII"]
    assert event["findings"][0]["matches"] == 2
    [gate] = [g for g in result.gates if g.gate == "G5_PII"]
    assert gate.signatures == {"PII_DETECTED:note:EMAIL": 2}


@pytest.mark.parametrize("fields", [("note",), ()])
def test_values_that_the_table_has_as_tokens_are_not_said_to_be_new_there(
    tmp_path: Path, fields: tuple[str, ...]
) -> None:
    rig = Rig(tmp_path)
    once = Rule("once", "unique", "DQ", Unique(fields, scope="table"), "UNIQUENESS_VIOLATION:note")
    by = policy(rules=(once,), pii=(TOKENIZE,))
    assert rig.write(batch(1), by, day=1).certification == "CERTIFIED"
    again = rig.write(batch(1), by, day=2)
    assert (again.rows_published, again.degraded) == (1, ("ACTED_KEY:once",))
    assert again.certification_reasons == ("DEGRADED:ACTED_KEY:once",)
    assert rig.write(batch(1), by, day=3, mode="overwrite").certification == "CERTIFIED"
    tokens = rig.table().scan().collect()
    assert not rig.write(tokens.with_columns(note=pl.lit("none")), by, day=4).degraded


def test_what_cannot_be_tokenized_is_redacted_where_it_may_be(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    result = rig.write(batch(1, 2), policy(pii=(TOKENIZE,)), ports={"act": broken})
    assert rig.table().scan().collect()["note"].to_list() == [None, None]
    assert result.degraded == ("PII:SF450",)
    assert result.certification == "NEVER_CERTIFIED"
    assert plaintext_files(tmp_path) == []


@pytest.mark.parametrize(
    ("pii", "columns"),
    [
        ((TOKENIZE,), (ColumnSpec("note", TEXT, nullable=False),)),
        ((TOKENIZE,), (ColumnSpec("note", TEXT, required=True),)),
        ((EVERYWHERE,), ()),
    ],
)
def test_else_the_whole_batch_waits_encrypted(
    tmp_path: Path, pii: tuple[Detection, ...], columns: tuple[ColumnSpec, ...]
) -> None:
    rig = Rig(tmp_path)
    by = policy(pii=pii, columns=columns)
    result = rig.write(batch(1, -1, 2), by, ports={"act": broken})
    assert (result.published, result.rows_quarantined, result.blocked) == (False, 3, False)
    assert rig.held_ids() == [0, 1, 2]
    assert plaintext_files(tmp_path) == []


def test_a_placeholder_stands_in_where_null_may_not(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    marked = Detection("EMAIL", "redact", ("note",), placeholder="-")
    by = policy(pii=(marked,), columns=(ColumnSpec("note", TEXT, nullable=False),))
    assert rig.write(batch(1), by, ports={"act": broken}).published
    assert rig.table().scan().collect()["note"].to_list() == ["-"]


def test_a_switched_off_gate_is_no_way_round(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(1), policy(pii=(TOKENIZE,)), gates_off="KILL_SWITCH")
    assert rig.table().scan().collect()["note"].to_list() == [None]
    held = Rig(tmp_path / "b")
    assert not held.write(batch(1), policy(pii=(EVERYWHERE,)), gates_off="KILL_SWITCH").published
    assert plaintext_files(tmp_path) == []


def test_without_a_key_to_seal_with_nothing_is_written(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    def missing() -> bytes:
        raise SfctlError("no key", code="SF455")

    with pytest.raises(SfctlError, match="no key"):
        rig.write(batch(1, -1), ports={"public_key": missing})
    assert rig.table().head() is None


def test_findings_that_are_only_counted_never_hold_a_batch_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    counted = policy(pii=(Detection("EMAIL", "none"),))
    assert rig.write(batch(1), counted, ports={"act": broken}).published
    assert rig.write(batch(2, start=5), counted, day=2, gates_off="KILL_SWITCH").published


def test_a_reader_without_rights_gets_nothing_of_the_quarantine(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(1, -1))
    folder = Path(rig.quarantine_path)
    assert folder.stat().st_mode & 0o077 == 0
    listed = subprocess.run(["ls", "-ld", folder], capture_output=True, text=True, check=True)
    assert listed.stdout.startswith("drwx------")
