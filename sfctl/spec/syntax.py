"""What a YAML parser says about broken text, said so that its author can mend it."""

from __future__ import annotations

from typing import Any

from sfctl.errors import Problem

_HINTS = (
    (
        "mapping values are not allowed",
        "quote a value that holds `: `, put a space after each key's `:`, check the indentation",
    ),
    ("could not find expected ':'", "a `:` is missing after a key, or a quote is not closed"),
    ("did not find expected key", "the indentation differs from the line above"),
    ("did not find expected '-' indicator", "the list item is indented unlike the one above"),
    ("block sequence entries are not allowed", "start the list on a line of its own"),
    ("did not find expected ',' or ']'", "a `,` or the closing `]` is missing"),
    ("did not find expected ',' or '}'", "a `,` or the closing `}` is missing"),
    ("never closed", "add the closing quote; a quote inside single quotes is written twice"),
    ("found undefined tag handle", "remove the tag and write plain values"),
    ("unknown escape character", "use single quotes, or write `\\\\` for a backslash"),
    ("found unexpected document indicator", "a quote is opened and never closed"),
    ("did not find expected node content", "a value is missing here"),
    ("did not find expected <document start>", "the document ended above: check the indentation"),
)
_STARTERS = {
    "\t": "indent with spaces, never with tabs",
    "%": "quote the value",
    "@": "quote a value that starts with `@`",
    "`": "quote a value that starts with a backtick",
}


def syntax_problem(error: Exception, text: str, path: str) -> Problem:
    """Return the problem that a parser's exception stands for, at the place it names."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = str(getattr(error, "context", None) or "")
    if "end of stream" in said and "quoted" in context:
        mark = getattr(error, "context_mark", mark)
        said, context = "a quote is opened and never closed", ""
    line, col = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    char = _char(text, line, col)
    if "cannot start any token" in said:
        said = f"{'a tab' if char == chr(9) else repr(char)} cannot start a value"
        context = ""
        hint = _STARTERS.get(char, "quote the value")
    else:
        hint = next((hint for sign, hint in _HINTS if sign in said), "")
        if char in ("]", "}"):
            hint = f"the closing `{char}` has no opening one"
        if char == "\t":
            hint = _STARTERS["\t"]
    opened = getattr(error, "context_mark", None)
    if context.startswith("while") and opened is not None:
        said += f" {context} that starts at {opened.line + 1}:{opened.column + 1}"
    return Problem(path, line, col, "SF101", f"not YAML: {said}", hint)


def _char(text: str, line: int, col: int) -> str:
    lines = text.splitlines()
    return lines[line - 1][col - 1 : col] if line <= len(lines) else ""
