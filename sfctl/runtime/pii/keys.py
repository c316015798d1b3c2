"""Where the PII keys come from: a variable, a file, or anything that answers like a KMS."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sfctl.errors import SfctlError

VARIABLE = "SFCTL_PII_KEY"
FILE = Path("keys") / "pii.key"


class KeySource(Protocol):
    """A key-management service: hands out the key ring, active key first."""

    def ring(self) -> KeyRing:
        """Return the keys. Raises SfctlError when it cannot."""


@dataclass(frozen=True, slots=True)
class Key:
    """A 64-byte AES-SIV key; `id` is the start of its SHA-256 and is no secret."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id})"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The active key first, older ones for reading after it."""

    keys: tuple[Key, ...]

    @property
    def active(self) -> Key:
        return self.keys[0]


def generate() -> str:
    """Return a fresh key as text."""
    return base64.urlsafe_b64encode(secrets.token_bytes(64)).decode()


def parse(text: str, origin: str) -> KeyRing:
    """Read one key a line or comma-separated; `#` starts a comment. Raises SfctlError SF451."""
    keys: list[Key] = []
    for line in text.replace(",", "\n").splitlines():
        word = line.partition("#")[0].strip()
        if not word:
            continue
        try:
            secret = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != 64:
            raise SfctlError(
                f"{origin} does not hold a PII key: 64 bytes in URL-safe base64 are expected",
                hint="`sfctl init` makes one; see `sfctl explain SF451`",
                code="SF451",
            )
        keys.append(Key(hashlib.sha256(secret).hexdigest()[:8], secret))
    if not keys:
        raise SfctlError(f"{origin} holds no PII key", code="SF451")
    return KeyRing(tuple(keys))


def load(
    store: Path,
    settings: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> KeyRing:
    """Return the key ring of a target.

    `settings` is the target's `pii_key` block: `{env: NAME}` or `{file: PATH}`. Without it, the
    variable SFCTL_PII_KEY, else `keys/pii.key` below `store` (the `.sfctl` folder).
    Raises SfctlError SF450 when there is no key, SF451 when it is malformed.
    """
    name, path = place(store, settings, environ)
    if path is None:
        return parse(environ[name], f"variable {name}")
    if "env" not in (settings or {}):
        try:
            return parse(path.read_text(encoding="ascii"), str(path.name))
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            raise SfctlError(f"PII key file cannot be read: {error}", code="SF451") from error
    raise SfctlError(
        f"no PII key: neither variable {name} nor file {path.name}",
        hint=f"set {name}, or put a key into {FILE} below .sfctl (mode 0600)",
        code="SF450",
    )


def place(
    store: Path,
    settings: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[str, Path | None]:
    """Return the variable that may hold the keys, and the file that does where it is not set."""
    settings = settings or {}
    name = str(settings.get("env") or VARIABLE)
    if environ.get(name):
        return name, None
    return name, Path(str(settings["file"])) if settings.get("file") else store / FILE


def rotate(path: Path) -> KeyRing:
    """Put a fresh key before those of a file, which stay for reading; return all.

    One after the other where two do it at once; a kill leaves the old file or the new one. Raises
    SfctlError SF451 for a file that holds no keys, SF884 for one that cannot be written.
    """
    try:
        lock_file = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(lock_file, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = path.read_text(encoding="ascii")
            parse(before, path.name)
            text = f"{generate()}\n{before}"
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SfctlError(
            f"the keys of {path.name} cannot be rotated: {type(error).__name__}",
            hint="make room or rights for its folder; nothing was changed",
            code="SF884",
        ) from error
    return parse(text, path.name)


def create(store: Path) -> Path:
    """Write a fresh key file (mode 0600) below `store` unless there is one; return its path."""
    path = store / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(generate() + "\n")
    return path
