"""Which commit runs: read from the repository's own files, without starting git."""

from __future__ import annotations

from pathlib import Path


def code_ref(folder: Path) -> str:
    """Return the commit that HEAD of the enclosing repository names, empty where there is none."""
    for parent in (folder.absolute(), *folder.absolute().parents):
        git = parent / ".git"
        try:
            if git.is_file():  # a worktree or a submodule points elsewhere
                git = (parent / git.read_text().partition(":")[2].strip()).resolve()
            if git.is_dir():
                return _head(git)
        except OSError:
            return ""
    return ""


def _head(git: Path) -> str:
    head = (git / "HEAD").read_text().strip()
    name = head.removeprefix("ref: ")
    if name == head:
        return head
    shared = git
    if (git / "commondir").is_file():
        shared = (git / (git / "commondir").read_text().strip()).resolve()
    for place in (git / name, shared / name):
        if place.is_file():
            return place.read_text().strip()
    packed = shared / "packed-refs"
    if packed.is_file():
        for line in packed.read_text().splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
    return ""
