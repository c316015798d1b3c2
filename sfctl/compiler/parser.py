"""Expression text to a tree that is not typed yet, with the place of every node.

The grammar, loosest first: OR, AND, NOT, one predicate (comparison, IN, BETWEEN, LIKE, IS),
`+ -`, `* / // %`, sign, and values: literals, columns, calls, CASE, parentheses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from sfctl.compiler.lexer import ExpressionError, Token, tokenize
from sfctl.compiler.like import like_pattern
from sfctl.model import literal
from sfctl.model.expr import (
    Arithmetic,
    Between,
    Call,
    Case,
    Compare,
    Constant,
    Expr,
    Field,
    IsNull,
    Logic,
    Matches,
    Negate,
    Not,
    Null,
    Within,
)
from sfctl.model.functions import FUNCTIONS
from sfctl.model.types import DataType

MAX_CHARS = 10_000
MAX_DEPTH = 40
MAX_CHAIN = 100
ANY = DataType("ANY")
BOOLEAN = DataType("BOOLEAN")
STRING = DataType("STRING")
_COMPARISONS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">",
                ">=": ">="}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree and, by identity of its nodes, where in the text each begins."""

    expr: Expr
    offsets: dict[int, int]

    def offset(self, node: object) -> int:
        """Return where `node` begins; 0 for a node that is not of this tree."""
        return self.offsets.get(id(node), 0)


def parse(text: str) -> Parsed:
    """Read one expression. Raises ExpressionError at the first thing that cannot be read."""
    if len(text) > MAX_CHARS:
        raise ExpressionError(
            f"the expression is too long (got {len(text)} characters, expected {MAX_CHARS})",
            0,
            "split it into several rules",
            "SF202",
        )
    parser = _Parser(tokenize(text))
    expr = parser.whole()
    return Parsed(expr, parser.offsets)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.offsets: dict[int, int] = {}

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, *wanted: str) -> Token | None:
        """Take the next token if it is one of these keywords or symbols."""
        token = self.token
        word = token.keyword or (token.text if token.kind == "symbol" else "")
        return self.take() if word and word in wanted else None

    def expect(self, wanted: str, where: str) -> Token:
        token = self.accept(wanted)
        if token is None:
            raise self.wrong(f"`{wanted}` {where}")
        return token

    def wrong(self, expected: str) -> ExpressionError:
        token = self.token
        got = f"unexpected '{token.text[:40]}'" if token.text else "the expression ends too early"
        return ExpressionError(f"{got} (expected {expected})", token.offset)

    def put(self, node: Expr, offset: int) -> Expr:
        self.offsets[id(node)] = offset
        return node

    def whole(self) -> Expr:
        if len(self.tokens) == 1:
            raise ExpressionError("the expression is empty", 0, "write one, such as x > 0")
        expr = self.either()
        if self.at + 1 < len(self.tokens):
            error = self.wrong("AND, OR or the end")
            if self.token.kind == "string" and isinstance(expr, Field):
                error.hint = "texts stand in '…', names in \"…\""
            raise error
        return expr

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression is nested too deep (expected at most {MAX_DEPTH} levels)",
                self.token.offset,
                "split it into several rules",
                "SF202",
            )

    def either(self) -> Expr:
        self.deeper()
        node = self.chain("or", self.both)
        self.depth -= 1
        return node

    def both(self) -> Expr:
        return self.chain("and", self.negation)

    def chain(self, operator: str, operand: Callable[[], Expr]) -> Expr:
        offset = self.token.offset
        found = [operand()]
        while self.accept(operator.upper()):
            found.append(operand())
        if len(found) == 1:
            return found[0]
        return self.put(Logic("or" if operator == "or" else "and", tuple(found)), offset)

    def negation(self) -> Expr:
        token = self.accept("NOT")
        if token is None:
            return self.predicate()
        self.deeper()
        node = self.put(Not(self.negation()), token.offset)
        self.depth -= 1
        return node

    def predicate(self) -> Expr:
        offset = self.token.offset
        left = self.sum()
        for _ in range(MAX_CHAIN):
            token = self.accept(*_COMPARISONS)
            if token is not None:
                operator = _COMPARISONS[token.text]
                right = self.sum()
                left = self.put(Compare(operator, left, right), offset)  # type: ignore[arg-type]
                if self.token.text in _COMPARISONS:
                    raise ExpressionError(
                        "comparisons cannot be chained", self.token.offset, "join them with AND"
                    )
                continue
            if self.accept("IS"):
                left = self.put(self.state(left), offset)
                continue
            mark = self.at
            negated = self.accept("NOT") is not None
            found = self.membership(left, negated)
            if found is None:
                self.at = mark
                return left
            left = self.put(found, offset)
        raise ExpressionError("the expression is too long", offset, code="SF202")

    def state(self, left: Expr) -> Expr:
        negated = self.accept("NOT") is not None
        if self.accept("NULL"):
            return IsNull(left, negated)
        token = self.accept("TRUE", "FALSE")
        if token is None:
            raise self.wrong("NULL, TRUE or FALSE after IS")
        offset = self.offsets.get(id(left), token.offset)
        known = self.put(IsNull(left, negated=True), offset)
        truth = self.put(Constant(token.keyword, BOOLEAN), token.offset)
        same = self.put(Compare("=", left, truth), offset)
        both = self.put(Logic("and", (known, same)), offset)
        return Not(both) if negated else both

    def membership(self, left: Expr, negated: bool) -> Expr | None:
        token = self.accept("IN", "BETWEEN", "LIKE")
        if token is None:
            return None
        if token.keyword == "IN":
            return Within(left, self.values(), negated)
        if token.keyword == "BETWEEN":
            low = self.sum()
            self.expect("AND", "between the two ends of BETWEEN")
            return Between(left, low, self.sum(), negated)
        pattern = self.text("a text after LIKE")
        escape = (
            self.text("one character in quotes after ESCAPE") if self.accept("ESCAPE") else None
        )
        return Matches(left, like_pattern(pattern, escape), negated)

    def text(self, expected: str) -> Token:
        if self.token.kind != "string":
            raise self.wrong(expected)
        return self.take()

    def values(self) -> tuple[Constant, ...]:
        self.expect("(", "after IN")
        found: list[Constant] = []
        while True:
            offset = self.token.offset
            value = self.sum()
            if isinstance(value, Null):
                raise ExpressionError(
                    "NULL in a list of values is never equal to anything", offset,
                    "remove it; test for it with IS NULL", "SF206",
                )  # fmt: skip
            if not isinstance(value, Constant):
                raise ExpressionError(
                    "only literals may stand in IN (…)", offset, "write OR and = for columns"
                )
            found.append(value)
            if self.accept(")"):
                return tuple(found)
            self.expect(",", "or `)` in a list of values")

    def sum(self) -> Expr:
        return self.left_to_right(("+", "-"), self.product)

    def product(self) -> Expr:
        return self.left_to_right(("*", "/", "//", "%"), self.sign)

    def left_to_right(self, operators: tuple[str, ...], operand: Callable[[], Expr]) -> Expr:
        offset = self.token.offset
        left = operand()
        for _ in range(MAX_CHAIN):
            token = self.accept(*operators)
            if token is None:
                return left
            node = Arithmetic(token.text, left, operand(), ANY)  # type: ignore[arg-type]
            left = self.put(node, offset)
        raise ExpressionError(
            f"more than {MAX_CHAIN} operations in a row", offset, "split it", "SF202"
        )

    def sign(self) -> Expr:
        token = self.accept("-", "+")
        if token is None:
            return self.value()
        self.deeper()
        operand = self.sign()
        self.depth -= 1
        if token.text == "+":
            return operand
        if isinstance(operand, Constant) and (operand.type.is_numeric):
            text = operand.text.removeprefix("-") if operand.text[0] == "-" else f"-{operand.text}"
            text = "0" if text == "-0" else text
            return self.put(Constant(text, operand.type), token.offset)
        return self.put(Negate(operand, ANY), token.offset)

    def value(self) -> Expr:
        token = self.token
        if token.kind == "number":
            return self.number()
        if token.kind == "string":
            return self.put(Constant(self.take().text, STRING), token.offset)
        if token.kind == "quoted":
            return self.column()
        if self.accept("("):
            node = self.either()
            self.expect(")", "to close the parenthesis")
            return node
        if self.accept("NULL"):
            return self.put(Null(ANY), token.offset)
        if self.accept("TRUE", "FALSE"):
            return self.put(Constant(token.keyword, BOOLEAN), token.offset)
        if self.accept("CASE"):
            return self.case(token.offset)
        if token.kind != "name" or token.keyword:
            raise self.wrong("a value or a column")
        following = self.tokens[self.at + 1]
        if following.kind == "string" and token.text.upper() in _TYPED:
            self.take()
            return self.typed(token)
        if following.kind == "symbol" and following.text == "(":
            return self.call()
        return self.column()

    def number(self) -> Expr:
        token = self.take()
        if self.token.kind == "name" and self.token.offset == token.offset + len(token.text):
            name = token.text + self.token.text
            raise ExpressionError(
                f"'{name[:40]}' is neither a number nor a name", token.offset,
                f'a column that begins with a digit is written "{name[:40]}"',
            )  # fmt: skip
        constant = literal.number(token.text)
        if constant is None:
            raise ExpressionError(
                "the number has too many digits (expected at most 38)", token.offset
            )
        return self.put(constant, token.offset)

    def typed(self, name: Token) -> Expr:
        kind = name.text.upper()
        token = self.take()
        text = token.text
        if kind == "INTERVAL" and self.token.kind == "name" and not self.token.keyword:
            text = f"{text} {self.take().text}"
        constant = _TYPED[kind](text)
        if constant is None:
            expected, hint = _FORMS[kind]
            raise ExpressionError(
                f"{kind} '{token.text[:40]}' cannot be read (expected {expected})",
                token.offset,
                hint,
            )
        return self.put(constant, name.offset)

    def column(self) -> Expr:
        offset = self.token.offset
        path = [self.take().text]
        while self.accept("."):
            if self.token.kind not in ("name", "quoted"):
                raise self.wrong("a name after `.`")
            path.append(self.take().text)
        return self.put(Field(tuple(path), ANY), offset)

    def call(self) -> Expr:
        name = self.take()
        function = name.text.lower()
        if function not in FUNCTIONS and function != "nullif":
            near = get_close_matches(function, [*FUNCTIONS, "nullif"], 1, 0.6)
            known = ", ".join(sorted([*FUNCTIONS, "nullif"]))
            hint = f"did you mean `{near[0]}`?" if near else f"known functions: {known}"
            hint = _ELSEWHERE.get(function, hint)
            message = f"unknown function '{name.text[:40]}'"
            raise ExpressionError(message, name.offset, hint, "SF203")
        self.deeper()
        self.expect("(", "after a function")
        found: list[Expr] = []
        while not self.accept(")"):
            if found:
                self.expect(",", "or `)` in a call")
            found.append(self.either())
        self.depth -= 1
        least, most = (2, 2) if function == "nullif" else FUNCTIONS[function].arity
        if not least <= len(found) <= most:
            expected = f"{least}" if least == most else f"{least} to {most}"
            raise ExpressionError(
                f"{function} takes {expected} arguments (got {len(found)})", name.offset,
                code="SF203",
            )  # fmt: skip
        if function == "nullif":
            same = self.put(Compare("=", found[0], found[1]), name.offset)
            none = self.put(Null(ANY), name.offset)
            return self.put(Case(((same, none),), found[0], ANY), name.offset)
        return self.put(Call(function, tuple(found), ANY), name.offset)

    def case(self, offset: int) -> Expr:
        self.deeper()
        subject = None if self.token.keyword == "WHEN" else self.either()
        branches: list[tuple[Expr, Expr]] = []
        while self.accept("WHEN"):
            if len(branches) == MAX_CHAIN:
                raise ExpressionError("CASE has too many branches", offset, code="SF202")
            begins = self.token.offset
            condition = self.either()
            if subject is not None:
                condition = self.put(Compare("=", subject, condition), begins)
            self.expect("THEN", "after WHEN")
            branches.append((condition, self.either()))
        if not branches:
            raise self.wrong("WHEN after CASE")
        otherwise = self.either() if self.accept("ELSE") else self.put(Null(ANY), offset)
        self.expect("END", "to close CASE")
        self.depth -= 1
        return self.put(Case(tuple(branches), otherwise, ANY), offset)


_ELSEWHERE = {
    "isnull": "write `… IS NULL`",
    "ifnull": "write coalesce(…, …)",
    "nvl": "write coalesce(…, …)",
}
"""What functions of other dialects are called here, where the nearest name means another."""
_TYPED: dict[str, Callable[[str], Constant | None]] = {
    "DATE": lambda text: literal.temporal(text, "DATE"),
    "TIME": lambda text: literal.temporal(text, "TIME"),
    "TIMESTAMP": literal.instant,
    "INTERVAL": literal.span,
}
_FORMS = {
    "DATE": ("YYYY-MM-DD", ""),
    "TIME": ("HH:MM:SS", ""),
    "TIMESTAMP": ("YYYY-MM-DDTHH:MM:SS, with Z or an offset for an instant", ""),
    "INTERVAL": (
        "a number and a unit from microsecond to week",
        "months and years have no fixed length; write days",
    ),
}
