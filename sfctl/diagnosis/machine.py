"""The machine: interpreter, platform, libraries, extras, space."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from sfctl.diagnosis.finding import Examined
from sfctl.report import text

OLDEST = (3, 11)
PLATFORMS = ("Linux", "Darwin")
LITTLE_SPACE = 1 << 30
_REQUIREMENT = re.compile(
    r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;.*extra == ['\"](\w+)['\"])?"
)
_BOUND = re.compile(r"(>=|==|<)\s*([0-9.]+)")
_ADDONS = ("pandas", "spark", "dask", "duckdb", "kafka", "gremlin", "aws")


def examine(folder: Path) -> Iterator[Examined]:
    """Yield findings about the machine that `folder` stands on."""
    yield _interpreter()
    yield _platform()
    yield from _libraries()
    yield _space(folder)


def _interpreter() -> Examined:
    version = platform.python_version()
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return Examined("python", "fail", version, f"use Python {wanted} or newer", "SF710")
    return Examined("python", "ok", f"{version} in {sys.prefix}")


def _platform() -> Examined:
    system = platform.system()
    detail = f"{system} {platform.machine()}"
    if system not in PLATFORMS:
        return Examined("platform", "warn", detail, "Linux and macOS are tested; use WSL", "SF711")
    return Examined("platform", "ok", detail)


def _libraries() -> Iterator[Examined]:
    """Hold what is installed against what the package asks for, extras apart."""
    extras: dict[str, dict[str, Examined]] = {}
    for line in metadata.requires("sfctl") or ():
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name, bounds, extra = match.groups()
        found = library(name, bounds, extra or "")
        if not extra:
            yield found
        elif extra in _ADDONS and name != "sfctl":
            extras.setdefault(extra, {})[name] = found
    for extra, parts in extras.items():
        yield _extra(extra, list(parts.values()))


def _extra(extra: str, parts: list[Examined]) -> Examined:
    """An extra that is not there is no fault; one that is there must be of the right versions."""
    if any(part.code == "SF701" for part in parts):
        detail = "not installed"
        return Examined(f"extra {extra}", "ok", detail, f"pip install 'sfctl[{extra}]'")
    wrong = next((part for part in parts if part.status != "ok"), None)
    if wrong is not None:
        detail = f"{wrong.name} {wrong.detail}"
        return Examined(f"extra {extra}", wrong.status, detail, wrong.remedy, wrong.code)
    return Examined(f"extra {extra}", "ok", ", ".join(f"{p.name} {p.detail}" for p in parts))


def library(name: str, bounds: str, extra: str = "") -> Examined:
    """Return how an installed library compares with `bounds` such as `<3,>=2.1`."""
    wanted = f"'{name}{bounds.strip()}'"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        line = f"pip install 'sfctl[{extra}]'" if extra else f"pip install {wanted}"
        return Examined(name, "fail", "missing", line, "SF701")
    have = _numbers(version)
    for sign, bound in _BOUND.findall(bounds):
        limit = _numbers(bound)
        if sign == ">=" and have < limit:
            detail = f"{version} is too old (needs at least {bound})"
            return Examined(name, "fail", detail, f"pip install {wanted}", "SF712")
        if (sign == "<" and have >= limit) or (sign == "==" and have[: len(limit)] != limit):
            detail = f"{version} is not the version tested ({bounds.strip()})"
            return Examined(name, "warn", detail, f"pip install {wanted}", "SF712")
    return Examined(name, "ok", version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _space(folder: Path) -> Examined:
    free = shutil.disk_usage(folder).free
    detail = f"{text.size(free)} free"
    if free < LITTLE_SPACE:
        return Examined("disk", "warn", detail, "make room: evidence and tables need it", "SF713")
    return Examined("disk", "ok", detail)
