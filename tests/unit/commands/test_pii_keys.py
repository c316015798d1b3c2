"""Keys of tokens: listed, rotated, lost; and tokens made anew without a value in sight."""

from __future__ import annotations

import io
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from sfctl import wiring
from sfctl.commands.pii import detokenize
from sfctl.commands.pii_keys import keys as keys_verb
from sfctl.commands.pii_keys import retokenize, rotate
from sfctl.errors import SfctlError, UsageError
from sfctl.evidence.port import Query
from sfctl.runtime.pii import keys
from sfctl.runtime.pii.tokens import Tokenizer
from tests.shop_rig import Shop, compile_shop, copy_shop

SECRET = "jane.doe@shop.example"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("keys") / "shop"
    root.mkdir()
    compile_shop(root)
    return root


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("SFCTL_ACTOR", "ann")
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    return copy_shop(template, tmp_path / "shop")


def file_of(shop: Shop) -> Path:
    return shop.root / ".sfctl" / keys.FILE


def token(shop: Shop, kind: str = "EMAIL") -> str:
    return Tokenizer(keys.load(shop.root / ".sfctl")).token(SECRET, kind)


def records(shop: Shop) -> list[dict[str, Any]]:
    with wiring.open_bus(shop.root / ".sfctl") as bus:
        return [found.event.payload for found in bus.query(Query(kind="PII"))]


def test_after_a_rotation_old_tokens_open_and_new_ones_are_of_the_new_key(shop: Shop) -> None:
    before = token(shop)
    outcome = rotate(reason="yearly", project_dir=shop.root)
    assert [key["state"] for key in outcome.payload["keys"]] == ["active", "retired"]
    assert stat.S_IMODE(file_of(shop).stat().st_mode) == 0o600
    assert token(shop) != before
    for each in (before, token(shop)):
        opened = detokenize((each,), reason="asked", project_dir=shop.root)
        assert opened.payload["values"] == [{"token": each, "value": SECRET}]
    listed = keys_verb(project_dir=shop.root)
    assert listed.payload["keys"] == outcome.payload["keys"]
    assert listed.text.splitlines()[-1].startswith("2 keys: file ")
    rotated = records(shop)[0]
    assert (rotated["action"], rotated["reason"], rotated["outcome"]) == (
        "rotate",
        "yearly",
        "rotated",
    )


def test_tokens_are_made_anew_without_a_value_in_sight(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [token(shop), token(shop, "PHONE"), token(shop)]
    rotate(reason="yearly", project_dir=shop.root)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(old)))
    outcome = retokenize(("-",), reason="after the rotation", project_dir=shop.root)
    assert outcome.text.splitlines() == [token(shop), token(shop, "PHONE"), token(shop)]
    assert SECRET not in outcome.text + str(outcome.payload) + str(records(shop))
    assert records(shop)[-1]["count"] == 3
    again = retokenize(tuple(outcome.text.split()), reason="again", project_dir=shop.root)
    assert again.text == outcome.text


def test_a_lost_key_leaves_tokens_unreadable_and_says_which(shop: Shop) -> None:
    old = token(shop)
    lost = keys.load(shop.root / ".sfctl").active.id
    file_of(shop).write_text(keys.generate() + "\n")
    for verb in (detokenize, retokenize):
        with pytest.raises(UsageError) as caught:
            verb((old,), reason="asked", project_dir=shop.root)
        assert caught.value.code == "SF452"
        assert f"no key {lost} among the PII keys" in str(caught.value)
    assert [r["outcome"] for r in records(shop)] == ["refused", "refused"]


def test_keys_of_a_variable_are_not_ours_to_rotate(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, before = token(shop), file_of(shop).read_text()
    fresh = keys_verb(new=True).text
    monkeypatch.setenv(keys.VARIABLE, f"{fresh},{before.strip()}")
    with pytest.raises(UsageError) as caught:
        rotate(reason="yearly", project_dir=shop.root)
    assert caught.value.code == "SF885"
    assert file_of(shop).read_text() == before
    assert keys_verb(project_dir=shop.root).payload["origin"] == f"variable {keys.VARIABLE}"
    made = retokenize((old,), reason="rotated", project_dir=shop.root).text
    assert made == Tokenizer(keys.parse(fresh, "x")).token(SECRET, "EMAIL")


def test_a_rotation_that_cannot_be_written_changes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file_of(shop).read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SfctlError) as caught:
        keys.rotate(file_of(shop))
    assert caught.value.code == "SF884"
    assert file_of(shop).read_text() == before
    monkeypatch.undo()
    assert len(keys.rotate(file_of(shop)).keys) == 2
    file_of(shop).unlink()
    with pytest.raises(SfctlError) as caught:
        rotate(reason="yearly", project_dir=shop.root)
    assert caught.value.code == "SF450"
    with pytest.raises(UsageError, match="a reason is needed"):
        rotate(project_dir=shop.root)


def test_rotations_at_once_lose_no_key(shop: Shop) -> None:
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.append(keys.rotate(file_of(shop)).active.id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert {key.id for key in keys.load(shop.root / ".sfctl").keys} >= set(made)
    assert len(keys.load(shop.root / ".sfctl").keys) == 9
