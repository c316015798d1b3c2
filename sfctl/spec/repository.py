"""Where the files of a data repo stand: finds the root, and lists every document with its kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sfctl.errors import Problem, UsageError
from sfctl.spec.wording import suggestion

PROJECT_FILE = "sfctl.yml"
DATASET_FILES = ("dataset.yaml", "policy_bundle.yaml", "baseline.json", "freshness_policy.yaml")
_FOLDERS = ("jobs", "packs", "policies", "expectations", "lineage")


@dataclass(slots=True)
class Files:
    """The documents of one repo, as paths relative to its root, in order of name."""

    datasets: dict[str, frozenset[str]] = field(default_factory=dict)
    """Folder name → which of `DATASET_FILES` it holds."""
    folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """`jobs`, `policies`, … → their YAML files."""
    problems: list[Problem] = field(default_factory=list)


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `sfctl.yml`. Raises UsageError."""
    folder = start.absolute()
    for each in (folder, *folder.parents):
        if (each / PROJECT_FILE).is_file():
            return each
    hint = "`sfctl init` makes a project; --project-dir names another folder"
    if (folder / "sfctl.yaml").is_file():
        hint = f"rename sfctl.yaml to {PROJECT_FILE}"
    message = f"no {PROJECT_FILE} in {folder} or any folder above it"
    raise UsageError(message, hint=hint, code="SF130")


def list_files(root: Path) -> Files:
    """Return every document below `root`; misplaced files are problems."""
    files = Files()
    for entry in _scan(root, "datasets", files):
        if _is_folder(entry):
            _dataset(entry.name, root, files)
        elif entry.name.endswith((".yaml", ".yml")):
            hint = f"move it to datasets/{Path(entry.name).stem}/dataset.yaml"
            files.problems.append(_stray(f"datasets/{entry.name}", hint))
    for folder in _FOLDERS:
        files.folders[folder] = list_folder(root, folder, files)
    return files


def list_folder(root: Path, folder: str, files: Files) -> tuple[str, ...]:
    """Return the YAML files of one folder; what is misplaced there goes to `files.problems`."""
    return tuple(_yaml_files(root, folder, files))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return True


def _dataset(name: str, root: Path, files: Files) -> None:
    folder = f"datasets/{name}"
    held = set()
    for entry in _scan(root, folder, files):
        if entry.name in DATASET_FILES:
            held.add(entry.name)
        elif entry.name.endswith((".yaml", ".yml", ".json")):
            hint = suggestion(entry.name, DATASET_FILES)
            files.problems.append(_stray(f"{folder}/{entry.name}", hint))
    if "dataset.yaml" in held:
        files.datasets[name] = frozenset(held)
    elif held:
        missing = Problem(
            f"{folder}/dataset.yaml", 0, 0, "SF134", "file is missing",
            "`sfctl register --from PATH` writes one from a table",
        )  # fmt: skip
        files.problems.append(missing)


def _yaml_files(root: Path, folder: str, files: Files) -> Iterator[str]:
    for entry in _scan(root, folder, files):
        if entry.name.endswith(".yaml"):
            yield f"{folder}/{entry.name}"
        elif entry.name.endswith(".yml"):
            path = f"{folder}/{entry.name}"
            files.problems.append(_stray(path, f"rename it to {Path(entry.name).stem}.yaml"))


def _scan(root: Path, folder: str, files: Files) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        message = f"folder cannot be read ({reason})"
        hint = "check that it is a folder and that you may read it"
        files.problems.append(Problem(folder, 0, 0, "SF102", message, hint))
        return []
    return sorted(found, key=lambda entry: entry.name)


def _stray(path: str, hint: str) -> Problem:
    return Problem(path, 0, 0, "SF136", "file is not read here", hint, "warning")
