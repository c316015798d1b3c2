"""Keys come from one place, and sealed data opens only with the right one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sfctl.errors import SfctlError
from sfctl.runtime import seal
from sfctl.runtime.pii import keys
from sfctl.runtime.pii.tokens import Tokenizer


def code_of(action: object, *args: object) -> str:
    with pytest.raises(SfctlError) as caught:
        action(*args)  # type: ignore[operator]
    return caught.value.code


def test_the_variable_wins_over_the_file(tmp_path: Path) -> None:
    keys.create(tmp_path)
    other = keys.generate()
    from_file = keys.load(tmp_path, environ={})
    from_variable = keys.load(tmp_path, environ={keys.VARIABLE: other})
    assert from_variable == keys.parse(other, "x") != from_file


def test_a_named_variable_never_falls_back_to_the_file(tmp_path: Path) -> None:
    keys.create(tmp_path)
    assert code_of(lambda: keys.load(tmp_path, {"env": "PROD_KEY"}, {})) == "SF450"


def test_created_keys_are_private_and_kept(tmp_path: Path) -> None:
    path = keys.create(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert keys.create(tmp_path).read_text() == before
    public, private = seal.create_keys(tmp_path)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert seal.create_keys(tmp_path) == (public, private)


@pytest.mark.parametrize("text", ["", "# only a comment", "short", "é" * 10, "A" * 40])
def test_a_malformed_key_is_refused(text: str) -> None:
    assert code_of(keys.parse, text, "here") == "SF451"


def test_a_key_never_shows_its_secret() -> None:
    ring = keys.parse(keys.generate(), "x")
    assert repr(ring.active) == f"Key({ring.active.id})"


def test_unreadable_key_file(tmp_path: Path) -> None:
    folder = tmp_path / keys.FILE
    folder.mkdir(parents=True)
    assert code_of(lambda: keys.load(tmp_path, environ={})) == "SF451"


def test_rotation_reads_old_tokens_and_refuses_lost_keys() -> None:
    old, new = keys.generate(), keys.generate()
    token = Tokenizer(keys.parse(old, "x")).token("v", "K")
    rotated = Tokenizer(keys.parse(f"{new}\n{old}", "x"))
    assert rotated.value(token, "K") == "v"
    assert rotated.token("v", "K") != token
    assert code_of(Tokenizer(keys.parse(new, "x")).value, token, "K") == "SF452"


def test_altered_or_foreign_tokens_are_refused() -> None:
    tokenizer = Tokenizer(keys.parse(keys.generate(), "x"))
    token = tokenizer.token("value", "EMAIL")
    flipped = token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:]
    assert code_of(tokenizer.value, flipped, "EMAIL") == "SF453"
    assert code_of(tokenizer.value, token, "PHONE") == "SF453"
    assert code_of(tokenizer.value, "plain", "EMAIL") == "SF453"
    for longer in ("A", "AA", "AAA", "AAAA"):
        assert code_of(tokenizer.value, token + longer, "EMAIL") == "SF453"


def test_a_batch_opens_only_with_its_key(tmp_path: Path) -> None:
    public, private = (seal.read_key(p) for p in seal.create_keys(tmp_path / "a"))
    _, stranger = (seal.read_key(p) for p in seal.create_keys(tmp_path / "b"))
    sealer = seal.Sealer(public)
    rows = [sealer.encrypt(v) for v in (b"one", b"", b"one")]
    assert rows[0] != rows[2]
    opener = seal.Opener(sealer.header, private)
    assert [opener.decrypt(row) for row in rows] == [b"one", b"", b"one"]
    assert code_of(seal.Opener, sealer.header, stranger) == "SF454"
    assert code_of(seal.Opener, b"nonsense", private) == "SF454"
    assert code_of(opener.decrypt, rows[0][:-1] + bytes([rows[0][-1] ^ 1])) == "SF454"
    assert seal.unseal(seal.seal(b"x", public), private) == b"x"


@pytest.mark.parametrize("content", [None, "zz", "00ff"])
def test_a_broken_quarantine_key_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "k"
    if content is not None:
        path.write_text(content)
    assert code_of(seal.read_key, path) == "SF455"
