"""Where the compiler's stages leave what they find, so that all problems are told at once."""

from __future__ import annotations

from sfctl.errors import Problem
from sfctl.spec.tree import Node

_HINTS = {
    "SF201": "see `sfctl explain SF201` for what an expression may hold",
    "SF202": "split it into several rules",
    "SF203": "see `sfctl explain SF203` for the functions",
    "SF205": "make both sides one type: quote texts, leave numbers bare, or correct the type",
    "SF209": "see `sfctl explain SF209` for what is exact",
    "SF210": "see `sfctl explain SF211` for what a pattern may hold",
    "SF211": "see `sfctl explain SF211` for what a pattern may hold",
    "SF212": "see `sfctl explain SF212` for the types",
    "SF227": "keep one of them",
    "SF228": "a dataset is ds://<zone>/<name>, or the name of its folder",
    "SF229": "import paths begin at the project's folder; else the module must be installed",
}


class Findings:
    """A list of problems that knows how to place them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(
        self, node: Node, code: str, message: str, hint: str = "", offset: int | None = None
    ) -> None:
        """Add a problem that stops the compile."""
        hint = hint or _HINTS.get(code, "")
        self.problems.append(node.problem(code, message, hint=hint, offset=offset))

    def warning(
        self, node: Node, code: str, message: str, hint: str = "", offset: int | None = None
    ) -> None:
        """Add a hint."""
        self.problems.append(
            node.problem(code, message, hint=hint, offset=offset, severity="warning")
        )

    @property
    def failed(self) -> bool:
        """Whether anything stops the compile."""
        return any(problem.severity == "error" for problem in self.problems)


def shown(text: str) -> str:
    """Return text as a message quotes it: one line, at most 40 characters."""
    line = " ".join(text.split())
    return f"'{line}'" if len(line) <= 40 else f"'{line[:39]}…'"


def place(node: Node) -> str:
    """Return `path:line:col` of a node."""
    return f"{node.path}:{node.line}:{node.col}"
