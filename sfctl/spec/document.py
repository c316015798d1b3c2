"""One file of a data repo: read, parsed, searched for secrets, rendered, held against its shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sfctl.errors import Problem
from sfctl.spec.context import Context
from sfctl.spec.prune import pruned
from sfctl.spec.secret import find_secrets
from sfctl.spec.shape import Fields, Report
from sfctl.spec.template import has_template, render
from sfctl.spec.tree import Node
from sfctl.spec.yaml import MAX_BYTES, parse


@dataclass(frozen=True, slots=True)
class Document:
    """One document and its problems. `node` is None where an error is among them."""

    path: str
    node: Node | None
    problems: tuple[Problem, ...]


def read(file: Path, path: str, most: int = MAX_BYTES) -> bytes | Problem:
    """Return the bytes of a file, or the problem of reading it; `path` is what messages show.

    Of a file longer than `most` bytes one byte more is returned.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        hint = "check that the file exists and that you may read it"
        return Problem(path, 0, 0, "SF102", f"file cannot be read ({reason})", hint)


def text_of(file: Path) -> str:
    """Return a file's text as `Node.source` has it, line ends as they are; "" where none is.

    Bytes that are no UTF-8 are marked, so that the text is like none that was meant.
    """
    return file.read_bytes().decode("utf-8-sig", "replace") if file.is_file() else ""


def load_document(file: Path, path: str, shape: Fields, context: Context | None) -> Document:
    """Return a file as a checked tree. Without a context, templates stay as they are written."""
    data = read(file, path)
    if isinstance(data, Problem):
        return Document(path, None, (data,))
    node, problems = parse(data, path)
    if node is None:
        if not problems:
            hint = f"write {shape.noun}, or remove the file"
            problems = [Problem(path, 1, 1, "SF108", "file is empty", hint)]
        return Document(path, None, tuple(problems))
    return check(node, shape, context, problems)


def check(
    node: Node, shape: Fields, context: Context | None, problems: list[Problem] | None = None
) -> Document:
    """Return a parsed tree rendered and checked, with what parsing found already."""
    secrets = find_secrets(node)
    hidden = {(problem.line, problem.col) for problem in secrets}
    found = [*(problems or ()), *secrets]
    unrendered = False
    if context is not None and has_template(node.source):
        node, failed = render(node, context)
        unrendered = bool(failed)
        found += failed
    report = Report()
    shape.check(node, "", report)
    found += [each for each in report.problems if (each.line, each.col) not in hidden]
    found = sorted(set(found))
    broken = any(problem.severity == "error" for problem in found)
    left: Node | None = node
    if unrendered and not broken:
        left = pruned(node, shape)
    return Document(node.path, None if broken else left, tuple(found))
