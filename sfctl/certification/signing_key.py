"""The keys that sign policies: the private half in a file or a variable, never told to anybody."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path

from sfctl.errors import PolicyRejected

PREFIX = "ed25519:"
KEY_VARIABLE = "SFCTL_SIGNING_KEY"
"""Where the organisation's private key is looked for, unless told."""
_FORM = "a key is 64 hexadecimal digits"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key in memory."""

    seed: bytes = field(repr=False)

    @property
    def public(self) -> str:
        """The public half as text."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return PREFIX + base64.b64encode(public.public_bytes_raw()).decode()

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def create_key(path: Path) -> SigningKey:
    """Make a key and its file, readable by its owner only. Raises FileExistsError, OSError."""
    key = SigningKey(os.urandom(32))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key.seed.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)  # half a key would stand in the way of a whole one
        raise
    return key


def load_key(path: Path) -> SigningKey:
    """Read a key's file. Raises PolicyRejected (SF406) for a missing, open or malformed one."""
    hint = f"{_FORM} in a file that only its owner may read"
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            text = file.read(4096)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise PolicyRejected(
            f"the signing key {path} cannot be read ({reason})", hint=hint, code="SF406"
        ) from None
    if mode & 0o077:
        raise PolicyRejected(
            f"the signing key {path} is open to others", hint=f"chmod 600 {path}", code="SF406"
        )
    return _key(text, str(path), hint)


def key_of_variable(name: str) -> SigningKey:
    """Read a key from an environment variable. Raises PolicyRejected (SF406)."""
    text = os.environ.get(name, "")
    if not text:
        raise PolicyRejected(
            f"the variable {name} is not set",
            hint=f"{_FORM}, in {name}; or --key FILE",
            code="SF406",
        )
    return _key(text.encode(), f"the variable {name}", f"{_FORM}, in {name}")


def _key(text: bytes, source: str, hint: str) -> SigningKey:
    try:
        seed = bytes.fromhex(text.decode("ascii").strip())
    except (UnicodeDecodeError, ValueError):
        seed = b""
    if len(seed) != 32:
        raise PolicyRejected(f"{source} holds no signing key", hint=hint, code="SF406")
    return SigningKey(seed)


def load_or_create(path: Path) -> SigningKey:
    """Return the key in `path`, made now where there is none; two processes get the same one."""
    if not path.exists():
        try:
            return create_key(path)
        except FileExistsError:
            pass
    return load_key(path)
