"""One text of an expression through compiler, engine and interpreter: what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

import polars as pl

from sfctl.compiler.parser import parse
from sfctl.compiler.printer import to_text
from sfctl.errors import Problem
from sfctl.model.expr import Constant, Expr, Field, children
from sfctl.model.policy import Policy, RowCheck, Rule
from sfctl.runtime.core.judge import Surroundings, program_for
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.polars.emit import Emitter
from sfctl.runtime.polars.program import Program
from sfctl.spec.tree import Node
from tests.conformance.runtime.carriers import frame_of
from tests.conformance.runtime.casebook import Rows, compiled, made
from tests.reference import texts
from tests.reference.interpreter import verdict

MAKERS: dict[str, tuple[Callable[[Random], str], int]] = {
    "sound": (texts.sound, 11),
    "clashing": (texts.clashing, 3),
    "damaged": (texts.damaged, 4),
    "nonsense": (texts.nonsense, 2),
}
"""How texts are made, and how many of twenty are made so."""
REFUSED_THOUGH_SOUND = frozenset({"SF209", "SF220", "SF221", "SF202"})
"""What may be wrong with a text that follows grammar and types: inexact, decided, too deep."""
_ROWS = 24


@dataclass(frozen=True, slots=True)
class Tried:
    """One text: how it was made, whether it was accepted, and what is wrong, if anything."""

    origin: str
    text: str
    accepted: bool
    wrong: tuple[str, ...]


def trial(random: Random) -> Tried:
    """Make one text and try it."""
    makers = [name for name, (_, share) in MAKERS.items() for _ in range(share)]
    origin = random.choice(makers)
    return tried(origin, MAKERS[origin][0](random), random)


def tried(origin: str, text: str, random: Random) -> Tried:
    """Compile a text, and hold what is accepted against its words and the interpreter."""
    try:
        policy, problems = compiled(texts.COLUMNS, _rule(text))
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors or not policy.rules:
            return Tried(origin, text, False, tuple(_refusal(origin, text, errors)))
        wrong = [*_meaning(origin, text), *_rows_wrong(policy, random)]
    except Exception as error:  # whatever it is, it is a finding
        return Tried(origin, text, True, (f"raised {type(error).__name__}: {error}",))
    return Tried(origin, text, True, tuple(wrong))


def _rule(text: str) -> Node:
    return made({"id": "r", "kind": "expression", "expression": text})


def _refusal(origin: str, text: str, errors: list[Problem]) -> Iterator[str]:
    if not errors:
        yield "neither accepted nor refused"
    for error in errors:
        if not re.fullmatch(r"SF[12][0-9]{2}", error.code) or not error.message.strip():
            yield f"refused with {error.code} {error.message!r}"
        if "\n" in error.message:
            yield f"a message of several lines: {error.message!r}"
    if origin == "sound" and not {error.code for error in errors} <= REFUSED_THOUGH_SOUND:
        yield f"refused though sound: {errors[0].code} {errors[0].message}"


def _meaning(origin: str, text: str) -> Iterator[str]:
    """Yield what an accepted text says that its tree does not."""
    if origin == "clashing":
        yield "accepted though types clash"
    parsed = parse(text).expr
    again = parse(to_text(parsed)).expr
    if again != parsed:
        yield f"printed as {to_text(parsed)!r}, which means something else"
    names, numbers = _words(text)
    known_names, known_numbers = _said(parsed)
    if not names <= known_names:
        yield f"{sorted(names - known_names)} is in the text and not in its meaning"
    if not numbers <= known_numbers:
        yield f"{sorted(numbers - known_numbers)} is in the text and not in its meaning"


_WORD = re.compile(
    r"'(?:[^']|'')*'|\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<name>[^\W\d]\w*)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
_NO_NAMES = frozenset(
    ["and", "or", "not", "in", "between", "like", "escape", "is", "null", "true", "false", "case",
     "when", "then", "else", "end", "date", "time", "timestamp", "interval", "hour", "nullif"]
)  # fmt: skip


def _words(text: str) -> tuple[set[str], set[float]]:
    """Return the names and numbers that a text is made of, read apart from the compiler."""
    names: set[str] = set()
    numbers: set[float] = set()
    for match in _WORD.finditer(text):
        if match["quoted"]:
            names.add(match["quoted"].replace('""', '"'))
        elif match["name"] and match["name"].lower() not in _NO_NAMES:
            names.add(match["name"])
        elif match["number"]:
            numbers.add(abs(float(match["number"])))
    return {name.lower() for name in names}, numbers


def _said(root: Expr) -> tuple[set[str], set[float]]:
    names: set[str] = set()
    numbers: set[float] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(children(node))
        if isinstance(node, Field):
            names.update(node.path)
        elif isinstance(node, Constant) and node.type.is_numeric:
            numbers.add(abs(float(node.text)))
        names.add(getattr(node, "function", ""))
    return {name.lower() for name in names}, numbers


@cache
def _data() -> tuple[Rows, pl.DataFrame]:
    rows = Rows(texts.COLUMNS, tuple(texts.rows(Random(20), _ROWS)))
    return rows, frame_of(rows)


def _rows_wrong(policy: Policy, random: Random) -> Iterator[str]:
    """Yield the rows of which engine and interpreter do not say the same, in pieces and whole."""
    rows, frame = _data()
    program, _ = program_for(FrameSource(frame), policy, "gold", Surroundings())
    (rule,) = program.rules
    assert isinstance(rule.check, RowCheck)
    expected = [verdict(rule.check.expr, row, rule.where) for row in rows.rows]
    for size in (len(rows.rows), random.choice((1, 2, 5))):
        found = _verdicts(program, rule, frame, size)
        if isinstance(found, str):
            yield f"the rule cannot be judged: {found}"
            return
        for number, (got, wanted) in enumerate(zip(found, expected, strict=True), 1):
            if got != wanted:
                row = {name: rows.rows[number - 1][name] for name in rule.fields}
                yield f"row {number} in pieces of {size}: {got} (expected {wanted}) of {row}"
                return


def _verdicts(program: Program, rule: Rule, frame: pl.DataFrame, size: int) -> list[str] | str:
    found: list[str] = []
    for start in range(0, frame.height, size):
        chunk = frame.slice(start, size)
        tally = program.judge(chunk).tallies.get(rule.id)
        if tally is None:
            return repr(program.faults.get(rule.id))
        failing = program.flags(chunk, [rule]).to_series()
        errors = _errors(program, rule, chunk)
        if (tally.failed, tally.errors) != (failing.sum(), errors.sum()):
            return f"{tally} counted, {failing.sum()} and {errors.sum()} flagged"
        pairs = zip(failing, errors, strict=True)
        found += ["error" if wrong else "fail" if bad else "pass" for bad, wrong in pairs]
    return found


def _errors(program: Program, rule: Rule, chunk: pl.DataFrame) -> pl.Series:
    assert isinstance(rule.check, RowCheck)
    term = Emitter(chunk.schema, program.bounds(chunk)).condition(rule.check.expr)
    error = pl.lit(value=False) if term.error is None else term.error
    return chunk.select((pl.repeat(value=True, n=pl.len(), dtype=pl.Boolean) & error).alias("e"))[
        "e"
    ]
