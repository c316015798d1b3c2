"""Where a folder lies: SQLite's locks do not hold on network file systems, and users must know."""

from __future__ import annotations

from pathlib import Path

NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)


def network_file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the type of network file system `path` lies on; empty for a local or unknown one."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = path.resolve()
    best, kind = Path("/"), ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mount = Path(fields[1].replace("\\040", " "))
        if (place == mount or mount in place.parents) and len(mount.parts) >= len(best.parts):
            best, kind = mount, fields[2]
    return kind if kind in NETWORK else ""
