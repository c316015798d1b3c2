"""Approval: who signed what, and every way in which it does not count."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfctl.certification.signature import Approval, key_id, sign, verify
from sfctl.certification.signing_key import SigningKey, create_key, load_key, load_or_create
from sfctl.codes import CODES
from sfctl.errors import PolicyRejected
from sfctl.model import codec
from sfctl.model.policy import Policy

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORG, DEV = SigningKey(b"o" * 32), SigningKey(b"d" * 32)
BARE = Policy("urn:dp:shop:orders", "orders", tier=1)
POLICY = replace(BARE, digest=codec.digest(BARE))
BYTES = codec.canonical(POLICY) + b"\n"


def signed(key: SigningKey, kind: str, digest: str = POLICY.digest) -> bytes:
    made = sign(digest, key, kind, NOW, dataset=POLICY.dataset_urn, version=POLICY.version)  # type: ignore[arg-type]
    return codec.encode(made)


def judged(policy: bytes, signature: bytes | None, environment: str = "dev") -> Approval:
    return verify(policy, signature, trusted_keys=[ORG.public], environment=environment)


def test_an_organisation_signature_counts_everywhere() -> None:
    for environment in ("dev", "staging", "prod"):
        found = judged(BYTES, signed(ORG, "org"), environment)
        assert (found.by, found.reason, found.code) == ("org", "", "")
        assert found.policy == POLICY
        assert found.key_id == key_id(ORG.public)


def test_a_dev_signature_counts_but_on_prod() -> None:
    assert judged(BYTES, signed(DEV, "dev")).by == "dev"
    found = judged(BYTES, signed(DEV, "dev"), "prod")
    assert (found.approved, found.reason, found.policy) == (False, "dev_on_prod", None)


@pytest.mark.parametrize(
    ("policy", "signature", "reason"),
    [
        (BYTES, None, "unsigned"),
        (BYTES, b"{}", "unreadable"),
        (BYTES, b"\xff", "unreadable"),
        (b"not a policy", signed(ORG, "org"), "unreadable"),
        (b'{"dataset_urn": 1', signed(ORG, "org"), "altered"),
        (BYTES.replace(b'"tier":1', b'"tier":2'), signed(ORG, "org"), "altered"),
        (BYTES.replace(b'"tier":1', b'"tier": 1'), signed(ORG, "org"), "altered"),
        (BYTES, signed(ORG, "org", "sha256:0"), "bad_signature"),
        (BYTES, signed(DEV, "org"), "wrong_key"),
        (BYTES, signed(DEV, "dev").replace(b'"dev"', b'"org"'), "bad_signature"),
        (BYTES, signed(ORG, "org").replace(b"2026-01-02", b"2026-01-03"), "bad_signature"),
        (BYTES, signed(ORG, "org").replace(b"ed25519:", b"ed25519:AAAA"), "unreadable"),
    ],
)
def test_what_does_not_count_says_why(policy: bytes, signature: bytes | None, reason: str) -> None:
    found = judged(policy, signature)
    assert (found.by, found.reason) == ("", reason)
    assert found.code in CODES
    assert found.sentence


def test_only_the_dev_keys_given_count() -> None:
    options = {"trusted_keys": [], "environment": "dev"}
    made = signed(DEV, "dev")
    assert verify(BYTES, made, dev_keys=[DEV.public], **options).by == "dev"  # type: ignore[arg-type]
    found = verify(BYTES, made, dev_keys=[ORG.public, "nonsense"], **options)  # type: ignore[arg-type]
    assert found.reason == "wrong_key"


@given(st.integers(0, len(BYTES) - 2), st.integers(1, 255))
def test_no_altered_byte_passes(place: int, change: int) -> None:
    altered = bytearray(BYTES)
    altered[place] ^= change
    assert not judged(bytes(altered), signed(ORG, "org")).approved


@given(st.binary(max_size=200), st.none() | st.binary(max_size=200))
def test_no_bytes_break_the_judgement(policy: bytes, signature: bytes | None) -> None:
    assert not judged(policy, signature).approved
    assert not judged(BYTES, signature).approved


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "dev.ed25519"
    key = load_or_create(path)
    assert load_or_create(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "seed" not in repr(key)
    with pytest.raises(FileExistsError):
        create_key(path)


@pytest.mark.parametrize("content", [b"", b"xyz", b"ab" * 31, b"\xff\xfe", b"ab" * 3000])
def test_a_malformed_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(PolicyRejected) as caught:
        load_key(path)
    assert (caught.value.code, bool(caught.value.hint)) == ("SF406", True)


def test_an_open_or_missing_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_key(path).sign(b"")
    path.chmod(0o644)
    with pytest.raises(PolicyRejected, match="open to others"):
        load_key(path)
    with pytest.raises(PolicyRejected, match="cannot be read"):
        load_key(tmp_path / "absent")
    with pytest.raises(PolicyRejected):
        load_key(tmp_path)
