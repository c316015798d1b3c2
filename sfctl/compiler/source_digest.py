"""Whether the YAML still is what was compiled: a digest of the files behind a policy."""

from __future__ import annotations

import hashlib
from pathlib import Path


def source_digest(root: Path, files: tuple[str, ...]) -> str:
    """Return the digest of files as they stand, names included; absent ones count as empty."""
    digest = hashlib.sha256()
    for name in files:
        path = root / name
        data = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return "sha256:" + digest.hexdigest()
