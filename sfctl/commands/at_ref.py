"""The data repo as it was at a git ref, in a folder of its own; the working tree is not touched.

Blobs are read as they are: no filter, hook or attribute of the repo has a say, and nothing runs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sfctl.errors import UsageError

LARGEST = 8 * 1024 * 1024
"""Bytes of a file above which it cannot be one of a data repo's documents."""
_FILE_MODES = ("100644", "100755")


@contextlib.contextmanager
def at_ref(root: Path, ref: str) -> Iterator[Path]:
    """Give the files below `root` as they were at `ref`. Raises UsageError SF014."""
    listed = _git(root, ref, "ls-tree", "-r", "-l", "-z", "--end-of-options", _commit(root, ref))
    wanted = [found for line in listed.split(b"\0") if line and (found := _file(line))]
    with tempfile.TemporaryDirectory(prefix="sfctl-ref-") as folder:
        here = Path(folder)
        asked = b"".join(f"{blob}\n".encode() for blob, _ in wanted)
        answers = _git(root, ref, "cat-file", "--batch", given=asked)
        start = 0
        for _, name in wanted:
            head, _, _ = answers[start:].partition(b"\n")
            words = head.split()
            if len(words) != 3:  # a blob that a partial clone does not have
                raise _unable(ref, f"{name} is not in this clone")
            start += len(head) + 1
            size = int(words[2])
            path = here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answers[start : start + size])
            start += size + 1
        yield here


def _commit(root: Path, ref: str) -> str:
    """Return the id of the commit that a ref names; one that looks like an option names none."""
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return _git(root, ref, *asked).decode().strip()


def _file(line: bytes) -> tuple[str, str] | None:
    """Return blob and path of one line of `ls-tree -l`; None for links, modules, large files."""
    about, _, raw = line.partition(b"\t")
    mode, _, blob, size = about.split()
    name = PurePosixPath(os.fsdecode(raw))
    unsafe = name.is_absolute() or ".." in name.parts
    if unsafe or mode.decode() not in _FILE_MODES or int(size) > LARGEST:
        return None
    return blob.decode(), str(name)


def _git(root: Path, ref: str, *words: str, given: bytes = b"") -> bytes:
    # a hook's variables name the repository it runs for, which need not be this one
    clean = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, input=given, capture_output=True, check=False, env=clean
        )
    except OSError:
        raise UsageError(
            "git is not installed here, and --against needs it", code="SF014"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _unable(ref, said[-1] if said else "there is no such commit in this clone")
    return done.stdout


def _unable(ref: str, why: str) -> UsageError:
    return UsageError(
        f"git cannot give `{ref}`: {why}",
        hint="in a shallow clone fetch it first: git fetch --depth=1 origin <branch>",
        code="SF014",
    )
