"""Was a killed process killed for memory? The kernel counts that; compare before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KillCounts:
    """Out-of-memory kills so far: in this control group, and on the whole machine."""

    group: int | None
    machine: int | None

    def since(self, before: KillCounts) -> str:
        """Return `cgroup` or `machine` where a kill happened in between, else empty text."""
        if _rose(before.group, self.group):
            return "cgroup"
        return "machine" if _rose(before.machine, self.machine) else ""


def count(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> KillCounts:
    """Read the counters; None where the system does not tell."""
    return KillCounts(_group(proc, cgroups), _number(proc / "vmstat", "oom_kill"))


def _group(proc: Path, cgroups: Path) -> int | None:
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        inside = path.lstrip("/")
        if number == "0":
            places = [cgroups / inside / "memory.events", cgroups / "memory.events"]
        elif "memory" in controllers.split(","):
            places = [
                cgroups / "memory" / inside / "memory.oom_control",
                cgroups / "memory" / "memory.oom_control",
            ]
        else:
            continue
        for place in places:
            found = _number(place, "oom_kill")
            if found is not None:
                return found
    return None


def _rose(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before


def _number(path: Path, name: str) -> int | None:
    try:
        fields = (line.split() for line in path.read_text().splitlines())
        found: Mapping[str, str] = {f[0]: f[1] for f in fields if len(f) == 2}
        return int(found[name])
    except (OSError, KeyError, ValueError):
        return None
