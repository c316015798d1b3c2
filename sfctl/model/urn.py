"""Names of datasets, stages and columns: many spellings in, one canonical form out."""

from __future__ import annotations

import re
from functools import lru_cache

_DATASET = re.compile(
    r"urn:dp:(?P<domain>[a-z0-9_.-]+):(?P<name>[a-z0-9_.-]+?)(?::v(?P<version>\d+))?"
    r"(?:#(?P<stage>bronze|silver|gold))?"
)
_SHORT = re.compile(
    r"ds://(?P<domain>[a-z0-9_.-]+)/(?P<name>[a-z0-9_.-]+?)(?::v(?P<version>\d+))?"
    r"(?:#(?P<stage>bronze|silver|gold))?"
)

STAGES = ("bronze", "silver", "gold")


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """Return the canonical `urn:dp:<domain>:<name>[:vN][#stage]` of either spelling.

    Raises ValueError for anything that is not a dataset name.
    """
    match = _DATASET.fullmatch(text) or _SHORT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a dataset URN: {text!r}")
    urn = f"urn:dp:{match['domain']}:{match['name']}"
    if match["version"]:
        urn += f":v{int(match['version'])}"
    if match["stage"]:
        urn += f"#{match['stage']}"
    return urn


@lru_cache(maxsize=4096)
def is_dataset(text: str) -> bool:
    """Tell whether `text` is a dataset URN in either spelling."""
    return bool(_DATASET.fullmatch(text) or _SHORT.fullmatch(text))


def with_stage(urn: str, stage: str) -> str:
    """Return the URN of the stage table of a dataset."""
    return f"{without_stage(urn)}#{stage}"


def without_stage(urn: str) -> str:
    """Return the dataset a stage table belongs to."""
    return urn.partition("#")[0]


def short_name(urn: str) -> str:
    """Return the last part of the name, as used for views and quarantine tables."""
    match = _DATASET.fullmatch(canonical(urn))
    assert match is not None
    return match["name"]


def slug(urn: str) -> str:
    """Return a name safe for a folder or a file, unique per dataset."""
    return without_stage(canonical(urn)).removeprefix("urn:dp:").replace(":", "__")


def column(urn: str, field: str) -> str:
    """Return the URN of a column."""
    return f"urn:col:{without_stage(urn)}#{field}"


def job(name: str) -> str:
    """Return the URN of a job of this project."""
    return f"urn:job:{name}"
