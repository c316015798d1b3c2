"""The stores below `.sfctl/`, and the tables whose certified versions must outlive a vacuum."""

from __future__ import annotations

import platform
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sfctl.certification import pin
from sfctl.diagnosis.finding import Examined
from sfctl.errors import StoreError
from sfctl.evidence import flush
from sfctl.report import text
from sfctl.runtime.job.compiled import manifest_of
from sfctl.runtime.tables import keeping
from sfctl.sqlite import no_room

MUCH_PENDING = 64 << 20
_NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
    ]
)


def examine(root: Path, now: datetime) -> Iterator[Examined]:
    """Yield findings about the stores of the project at `root` and the tables it compiled."""
    store = root / ".sfctl"
    if not store.is_dir():
        yield Examined("stores", "ok", "none yet; the first run makes them")
        return
    yield _file_system(store)
    for name in ("bus.db", "state.db", "graph.db"):
        if (store / name).exists():
            yield _database(store / name)
    yield _outbox(store / "outbox")
    yield from _tables(root, now)


def _file_system(store: Path, mounts: Path = Path("/proc/mounts")) -> Examined:
    kind = mounted_as(store, mounts)
    if kind in _NETWORK:
        return Examined(
            "file system",
            "fail",
            f".sfctl/ lies on {kind}, where SQLite's locks do not hold",
            "keep the data repo on a local disk, or give the target servers",
            "SF607",
        )
    return Examined("file system", "ok", kind or f"not told on {platform.system()}")


def mounted_as(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the type of the file system `path` lies on; empty where nobody tells."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = path.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        mount = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[1]))
        if place.is_relative_to(mount) and len(mount.parts) > best:
            best, kind = len(mount.parts), fields[2]
    return kind


def _database(path: Path) -> Examined:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)
        try:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        remedy = f"restore or move {path.name} away"
        if no_room(path):
            remedy = "make room on the disk; the file may be whole"
        elif not error.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            remedy = "see who holds the file, and who may read and write it and its folder"
        return Examined(path.name, "fail", str(error), remedy, "SF731")
    if said != "ok":
        return Examined(path.name, "fail", "damaged", f"restore or move {path.name} away", "SF731")
    return Examined(path.name, "ok", text.size(path.stat().st_size))


def _outbox(folder: Path) -> Examined:
    waiting = flush.pending_bytes(folder) if folder.is_dir() else 0
    if waiting > MUCH_PENDING:
        detail = f"{text.size(waiting)} not yet on the bus"
        return Examined("outbox", "warn", detail, "sfctl evidence flush", "SF732")
    return Examined("outbox", "ok", f"{text.size(waiting)} waiting" if waiting else "empty")


def _tables(root: Path, now: datetime) -> Iterator[Examined]:
    """Yield tables from which a VACUUM that is not ours may take the certified version."""
    manifest = manifest_of(root)
    for entry in manifest.datasets.values() if manifest else ():
        gold = entry.paths.get("gold", "")
        if entry.format == "delta" and (Path(gold) / "_delta_log").is_dir():
            yield from _kept(f"table {entry.name}", gold, now)


def _kept(name: str, gold: str, now: datetime) -> Iterator[Examined]:
    try:
        pinned = pin.read(Path(gold))
        version = pinned.last_certified_version if pinned is not None else None
        found = keeping.dangers(gold, version, now)
    except StoreError as error:
        yield Examined(name, "warn", str(error), error.hint or "see above", error.code)
        return
    if version is not None and not keeping.is_readable(gold, version):
        detail = f"files of the certified version {version} are gone or damaged"
        remedy = "run the job again, or sfctl certify --rollback to one whose files are there"
        yield Examined(name, "fail", detail, remedy, "SF734")
    for danger in found:
        detail = f"{danger.setting}={danger.value}: {danger.harm}"
        yield Examined(name, "warn", detail, danger.remedy, "SF733")
