"""Approval of compiled policies: Ed25519 signatures beside policies, and one verdict on them.

A signature covers kind, time, dataset, version and digest, so that none can be relabelled or moved
to another dataset. Public keys are text, `ed25519:<base64>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from sfctl.certification.signing_key import PREFIX, SigningKey
from sfctl.clock import format_instant
from sfctl.model import codec
from sfctl.model.policy import Policy

Kind = Literal["dev", "org"]
Reason = Literal[
    "", "unsigned", "unreadable", "altered", "bad_signature", "wrong_key", "revoked", "dev_on_prod"
]
_SENTENCES: dict[str, str] = {
    "": "approved",
    "unsigned": "the policy has no signature",
    "unreadable": "the policy or its signature cannot be read",
    "altered": "the policy was altered after it was compiled",
    "bad_signature": "the signature does not fit the policy",
    "wrong_key": "the policy is signed with a key that is not trusted here",
    "revoked": "the policy is signed with a key that was revoked",
    "dev_on_prod": "a dev signature does not count on prod",
}
_CODES: dict[str, str] = {
    "unsigned": "SF402", "unreadable": "SF403", "altered": "SF403", "bad_signature": "SF403",
    "wrong_key": "SF404", "dev_on_prod": "SF405", "revoked": "SF343",
}  # fmt: skip
DRAFTS: frozenset[str] = frozenset({"unsigned", "wrong_key", "revoked", "dev_on_prod"})
"""Reasons of policies that nobody approved: judged as drafts. Those tampered with never are."""
HARMLESS: frozenset[str] = frozenset({"", "unsigned", "dev_on_prod"})
"""Reasons behind which nobody's doing is suspected: a draft that waits for its approval."""


class Signature(msgspec.Struct, frozen=True):
    """What stands in `target/policies/<name>.sig`. `at` is RFC 3339 in UTC.

    `dataset` is the URN of the policy's dataset, or the name of another document that is signed.
    """

    digest: str
    key_id: str
    kind: Kind
    public_key: str
    signature: str
    at: str
    dataset: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Approval:
    """Whether a policy counts. `by` is empty where it was rejected, and `reason` says why."""

    by: Literal["org", "dev", ""]
    reason: Reason = ""
    key_id: str = ""
    digest: str = ""
    policy: Policy | None = None
    """The policy that was verified; None where it was rejected."""
    at: str = ""
    """When it was signed; empty where it was rejected."""

    @property
    def approved(self) -> bool:
        return bool(self.by)

    @property
    def sentence(self) -> str:
        """Why it was rejected, for people."""
        return _SENTENCES[self.reason]

    @property
    def code(self) -> str:
        """The code of the rejection; empty for an approval."""
        return _CODES.get(self.reason, "")


def key_id(public_key: str) -> str:
    """Return the short name of a public key: `key-` and 16 hex digits of its hash.

    Raises ValueError for text that is no public key.
    """
    return "key-" + hashlib.sha256(_public(public_key)).hexdigest()[:16]


def sign(
    digest: str, key: SigningKey, kind: Kind, at: datetime, *, dataset: str, version: int
) -> Signature:
    """Sign the digest of a policy, or of another document that `dataset` names."""
    public = key.public
    bare = Signature(digest, key_id(public), kind, public, "", format_instant(at), dataset, version)
    return replace(bare, signature=base64.b64encode(key.sign(_message(bare))).decode())


def verify(
    policy: bytes,
    signature: bytes | None,
    *,
    trusted_keys: Collection[str],
    environment: str,
    revoked_keys: Collection[str] = (),
    dev_keys: Collection[str] | None = None,
) -> Approval:
    """Judge the bytes of a compiled policy and of its signature; never raises.

    An organisation's signature counts when its key is trusted and not revoked (by key or by its
    short name). A dev signature counts outside `prod`, made with one of `dev_keys` where those are
    given.
    """
    try:
        found = codec.decode(policy, Policy)
        found_digest = codec.digest(replace(found, digest=""))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        return Approval("", "unreadable" if _is_garbage(policy) else "altered")
    if found_digest != found.digest or codec.canonical(found) != policy.rstrip(b"\n"):
        return Approval("", "altered", digest=found.digest)
    if signature is None:
        return Approval("", "unsigned", digest=found.digest)
    try:
        claim = codec.decode(signature, Signature)
        public = _public(claim.public_key)
        made = base64.b64decode(claim.signature, validate=True)
    except (msgspec.MsgspecError, UnicodeError, ValueError):
        return Approval("", "unreadable", digest=found.digest)
    name = key_id(claim.public_key)
    subject = (claim.digest, claim.dataset, claim.version)
    if subject != (found.digest, found.dataset_urn, found.version):
        return Approval("", "bad_signature", name, found.digest)
    if not _fits(public, made, claim):
        return Approval("", "bad_signature", name, found.digest)
    if claim.kind == "org" and _revoked(public, name, revoked_keys):
        return Approval("", "revoked", name, found.digest)
    trusted = trusted_keys if claim.kind == "org" else dev_keys
    if trusted is not None and not _among(public, trusted):
        return Approval("", "wrong_key", name, found.digest)
    if claim.kind == "dev" and environment == "prod":
        return Approval("", "dev_on_prod", name, found.digest)
    return Approval(claim.kind, "", name, found.digest, found, claim.at)


def verify_document(
    document: bytes,
    signature: bytes | None,
    name: str,
    *,
    trusted_keys: Collection[str],
    revoked_keys: Collection[str] = (),
) -> Reason:
    """Say why an organisation's signature of a document called `name` does not count; "" it does.

    The digest is that of the bytes as they are. Never raises.
    """
    if signature is None:
        return "unsigned"
    try:
        claim = codec.decode(signature, Signature)
        public = _public(claim.public_key)
        made = base64.b64decode(claim.signature, validate=True)
    except (msgspec.MsgspecError, UnicodeError, ValueError):
        return "unreadable"
    if (claim.kind, claim.dataset) != ("org", name) or not _fits(public, made, claim):
        return "bad_signature"
    if claim.digest != document_digest(document):
        return "altered"
    if _revoked(public, key_id(claim.public_key), revoked_keys):
        return "revoked"
    return "" if _among(public, trusted_keys) else "wrong_key"


def document_digest(document: bytes) -> str:
    """Return `sha256:…` over the bytes of a document as they are."""
    return "sha256:" + hashlib.sha256(document).hexdigest()


def _is_garbage(policy: bytes) -> bool:
    """Tell bytes that never were a policy from those of one that was altered."""
    return b'"dataset_urn"' not in policy


def _message(claim: Signature) -> bytes:
    said = (claim.kind, claim.digest, claim.at, claim.dataset, str(claim.version))
    return "\0".join(("sfctl policy 1", *said)).encode()


def _fits(public: bytes, made: bytes, claim: Signature) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(made, _message(claim))
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if len(raw) != 32:
        raise ValueError("a public key has 32 bytes")
    return raw


def _revoked(public: bytes, name: str, revoked: Collection[str]) -> bool:
    return name in revoked or _among(public, revoked)


def _among(public: bytes, trusted: Collection[str]) -> bool:
    for text in trusted:
        try:
            if _public(text) == public:
                return True
        except ValueError:
            continue
    return False
