"""Sealed envelopes: anyone may write them, only the holder of the private key reads them.

A batch gets one random data key (AES-256-GCM). The data key is sealed to an X25519 public key:
ephemeral key agreement, HKDF-SHA256, AES-256-GCM. Writing quarantine thus never needs a secret.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sfctl.errors import SfctlError

_MAGIC = b"sfs1"
PUBLIC = Path("keys") / "quarantine.pub"
PRIVATE = Path("keys") / "quarantine.key"


class Sealer:
    """Encrypts the values of one batch. `header` holds the sealed data key."""

    def __init__(self, public_key: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import (
            X25519PrivateKey,
            X25519PublicKey,
        )
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        data_key = secrets.token_bytes(32)
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key))
        mine = ephemeral.public_key().public_bytes_raw()
        wrapped = AESGCM(_derive(shared, mine + public_key)).encrypt(b"\0" * 12, data_key, _MAGIC)
        self.header = _MAGIC + mine + wrapped
        self._cipher = AESGCM(data_key)

    def encrypt(self, value: bytes) -> bytes:
        """Return nonce and ciphertext of one value."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, value, None)


class Opener:
    """Decrypts the values of one batch. Raises SfctlError SF454 when the key does not fit."""

    def __init__(self, header: bytes, private_key: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import (
            X25519PrivateKey,
            X25519PublicKey,
        )
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if header[:4] != _MAGIC or len(header) != 4 + 32 + 48:
            raise SfctlError("not a sealed batch", code="SF454")
        private = X25519PrivateKey.from_private_bytes(private_key)
        theirs, wrapped = header[4:36], header[36:]
        shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
        key = _derive(shared, theirs + private.public_key().public_bytes_raw())
        try:
            self._cipher = AESGCM(AESGCM(key).decrypt(b"\0" * 12, wrapped, _MAGIC))
        except Exception as error:
            raise SfctlError(
                "the quarantine key does not open this batch",
                hint="it was sealed to another public key; use the key of its target",
                code="SF454",
            ) from error

    def decrypt(self, sealed: bytes) -> bytes:
        """Return one value. Raises SfctlError SF454 when it was altered."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], None)
        except Exception as error:
            raise SfctlError("a sealed value was altered", code="SF454") from error


def seal(value: bytes, public_key: bytes) -> bytes:
    """Seal one value on its own: header and ciphertext together."""
    sealer = Sealer(public_key)
    return sealer.header + sealer.encrypt(value)


def unseal(sealed: bytes, private_key: bytes) -> bytes:
    """Open what `seal` made."""
    return Opener(sealed[:84], private_key).decrypt(sealed[84:])


def create_keys(store: Path) -> tuple[Path, Path]:
    """Write a fresh key pair below `store` unless there is one; return (public, private) paths.

    The private half has mode 0600 and belongs off the machines that only write.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    public, private = store / PUBLIC, store / PRIVATE
    public.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if public.exists():
        return public, private
    key = X25519PrivateKey.generate()
    descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(key.private_bytes_raw().hex() + "\n")
    draft = public.with_suffix(".tmp")
    draft.write_text(key.public_key().public_bytes_raw().hex() + "\n", encoding="ascii")
    draft.replace(public)
    return public, private


def read_key(path: Path) -> bytes:
    """Return the 32 bytes of a key file. Raises SfctlError SF455."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise SfctlError(
            f"quarantine key {path.name} cannot be read",
            hint="`sfctl init` makes a key pair; replay needs the private half",
            code="SF455",
        ) from error
    if len(key) != 32:
        raise SfctlError(f"quarantine key {path.name} is not 32 bytes", code="SF455")
    return key


def _derive(shared: bytes, info: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_MAGIC + info).derive(shared)
