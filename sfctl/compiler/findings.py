"""Where the compiler's stages leave what they find, so that all problems are told at once."""

from __future__ import annotations

from sfctl.errors import Problem
from sfctl.spec.tree import Node


class Findings:
    """A list of problems that knows how to place them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(
        self, node: Node, code: str, message: str, hint: str = "", offset: int | None = None
    ) -> None:
        """Add a problem that stops the compile."""
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
