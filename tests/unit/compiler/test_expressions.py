"""Expressions: what is written is what is meant, and nothing that is written breaks us."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.compiler.lexer import KEYWORDS, ExpressionError
from sfctl.compiler.parser import parse
from sfctl.compiler.printer import to_text
from sfctl.model.binding import typed_field
from sfctl.model.expr import Arithmetic, Case, Compare, Expr, Field, Matches
from sfctl.model.families import BOOLEAN, type_of
from sfctl.model.inference import infer, infer_condition
from sfctl.model.types import DataType
from tests.reference.interpreter import EvalError, evaluate, verdict
from tests.unit.compiler.building import COLUMNS, TREES, TYPES

Told = list[tuple[int, str, str]]


def columns(field: Field) -> Field | str | None:
    return typed_field(field, TYPES)


def typed(text: str) -> tuple[Expr, Told]:
    parsed = parse(text)
    told: Told = []
    expr = infer_condition(
        parsed.expr, columns, lambda n, c, m, h="": told.append((parsed.offset(n), c, m))
    )
    return expr, told


def condition(text: str) -> Expr:
    expr, told = typed(text)
    assert told == []
    return expr


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lenght", "did you mean `length`?"),
        ("ifnull", "write coalesce(…, …)"),
        ("isnull", "write `… IS NULL`"),
    ],
)
def test_a_function_of_another_dialect_is_named_as_it_is_here(name: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(f"{name}(name) > 1")
    assert caught.value.hint == hint


@given(TREES)
def test_a_printed_tree_reads_back_as_itself(tree: Expr) -> None:
    assert parse(to_text(tree)).expr == tree


@pytest.mark.parametrize(
    ("text", "like"),
    [("name LIKE 'a%_'", "LIKE 'a%_'"), ("name LIKE '1!%' ESCAPE '!'", "LIKE '1!%' ESCAPE '!'")],
)
def test_like_reads_back_too(text: str, like: str) -> None:
    tree = parse(text).expr
    assert parse(to_text(tree)).expr == tree
    assert like in to_text(tree)


def test_a_pattern_that_is_no_like_is_printed_for_people() -> None:
    tree = Matches(Field(("name",), DataType("STRING")), "[0-9]+")
    assert to_text(tree) == "\"name\" MATCHES '[0-9]+'"


@given(TREES)
def test_typing_never_raises_and_is_stable(tree: Expr) -> None:
    told: list[str] = []
    first = infer(tree, columns, lambda n, c, m, h="": told.append(m))
    if not told:
        again = infer(first, columns, lambda n, c, m, h="": told.append(m))
        assert told == []
        assert again == first


def refused(text: str) -> ExpressionError | None:
    try:
        parse(text)
    except ExpressionError as error:
        return error
    return None


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    error = refused(text)
    assert error is None or (0 <= error.offset <= len(text) and error.message)


PIECES = [
    *sorted(KEYWORDS),
    *"().,+-*/%=<>!'\"",
    *("//", "==", "<>", "!=", "<=", ">=", "12", "1.5", "1e400", ".5", "9x", "id", "name", "place"),
    *("coalesce", "length", "DATE", "INTERVAL", "'x'", "''", "'2024-01-01'", "'2 days'", '"q"'),
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
@settings(max_examples=300)
def test_no_words_break_the_parser_or_the_typing(text: str) -> None:
    error = refused(text)
    assert error is None or 0 <= error.offset <= len(text)
    if error is None:
        infer_condition(parse(text).expr, columns, lambda n, c, m, h="": None)


@pytest.mark.parametrize(
    "text", ["(" * 3000 + "id", "NOT " * 3000 + "paid", "-" * 3000 + "id > 0", "id" + "+1" * 3000]
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.code in ("SF202", "SF201")


def test_a_long_list_and_a_long_chain_are_fine() -> None:
    listed = ", ".join(map(str, range(1000)))
    condition(f"id IN ({listed})")
    condition(" AND ".join(f"id <> {i}" for i in range(500)))


ROW = {
    "id": 7, "n": 3, "amount": None, "ratio": 0.5, "name": "Émile", "paid": True, "day": None,
    "at": None, "local": None, "place": {"city": "Ulm", "zip": None}, "open": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id / n > 2", "pass"),
        ("id / n > 2.34", "fail"),
        ("id / -n < -2", "pass"),
        ("id / (n - 3) > 2", "error"),
        ("2 < id / n", "pass"),
        ("id / 4 = 1.75", "pass"),
        ("id / n BETWEEN 2 AND 2.4", "pass"),
        ("NOT id / n NOT BETWEEN 2 AND 2.4", "pass"),
        ("id // n = 2 AND id % n = 1", "pass"),
        ("-id // n = -3 AND -id % n = 2", "pass"),
        ("id // (n - 3) = 0", "error"),
        ("n = 3 OR id // (n - 3) = 0", "pass"),
        ("n <> 3 AND id // (n - 3) = 0", "fail"),
        ("amount > 0", "pass"),
        ("amount IS NOT NULL", "fail"),
        ("amount + id > 0 OR FALSE", "pass"),
        ("id * id * id * 99999999999999999999999999999999999999 > 0", "error"),
        ("ratio = 0.5", "pass"),
        ("ratio * 1e308 * 1e10 > 0", "error"),
        ("length(name) = 5", "pass"),
        ("upper(name) = 'ÉMILE'", "pass"),
        ("substring(name, 2, 2) = 'mi' AND substring(name, 4) = 'le'", "pass"),
        ("name LIKE '_mi%'", "pass"),
        ("name NOT LIKE '%m%'", "fail"),
        ("place.city = 'Ulm' AND place.zip IS NULL", "pass"),
        ("CASE WHEN n = 3 THEN id ELSE id // 0 END = 7", "pass"),
        ("coalesce(amount, id) = 7", "pass"),
        ("nullif(id, 7) IS NULL", "pass"),
        ("paid IS TRUE AND NOT (paid IS FALSE)", "pass"),
        ("id IN (1, 7.0) AND id NOT IN (8)", "pass"),
        ("CASE id WHEN 7 THEN 'x' END = 'x'", "pass"),
        ("concat(trim(' a '), 'b') = 'ab' AND contains(name, 'mi')", "pass"),
        ("starts_with(name, 'É') AND ends_with(name, 'e') AND lower(name) <> name", "pass"),
        ("abs(-id) = 7 AND - - id = 7 AND +id = 7", "pass"),
    ],
)
def test_expressions_mean_what_they_say(text: str, said: str) -> None:
    assert verdict(condition(text), ROW) == said


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("id + n", "DECIMAL(20,0)"),
        ("n + n", "INT64"),
        ("n * n", "DECIMAL(20,0)"),
        ("amount * amount", "DECIMAL(24,4)"),
        ("amount + 1", "DECIMAL(13,2)"),
        ("amount // 3", "INT64"),
        ("amount % 3", "DECIMAL(3,2)"),
        ("ratio + id", "DOUBLE"),
        ("-n", "INT64"),
        ("abs(id)", "DECIMAL(19,0)"),
        ("day + INTERVAL '1 day'", "TIMESTAMP_NTZ"),
        ("at - at", "DURATION"),
        ("at + INTERVAL '2' HOUR", "TIMESTAMP"),
        ("INTERVAL '1 day' + local", "TIMESTAMP_NTZ"),
        ("coalesce(n, id)", "DECIMAL(19,0)"),
        ("coalesce(amount, 0)", "DECIMAL(12,2)"),
        ("coalesce(NULL, NULL)", "ANY"),
        ("open + 1", "ANY"),
        ("year(at)", "INT32"),
        ("date(at)", "DATE"),
    ],
)
def test_types_are_exact_bounds(text: str, kind: str) -> None:
    told: list[str] = []
    expr = infer(parse(text).expr, columns, lambda n, c, m, h="": told.append(m))
    assert told == []
    assert str(type_of(expr)) == kind


def test_literals_take_the_type_of_what_they_meet() -> None:
    expr = condition("day >= '2024-02-29'")
    assert isinstance(expr, Compare)
    assert str(type_of(expr.right)) == "DATE"
    expr = condition("at >= '2024-02-29T12:00:00+02:00'")
    assert isinstance(expr, Compare)
    assert expr.right.text == "2024-02-29T10:00:00Z"  # type: ignore[union-attr]
    expr = condition("amount >= '5.10'")
    assert isinstance(expr, Compare)
    assert expr.right.text == "5.10"  # type: ignore[union-attr]


def test_an_exact_quotient_leaves_no_division_behind() -> None:
    expr = condition("id / n > 2")
    assert isinstance(expr, Case)

    def operators(node: Any) -> set[str]:
        from sfctl.model.expr import children

        own = {node.operator} if isinstance(node, Arithmetic) else set()
        return own.union(*map(operators, children(node)))

    assert operators(expr) == {"//", "*"}


def test_several_problems_of_one_expression_come_at_once() -> None:
    _, told = typed("amuont > 0 AND name > 5 AND id = NULL")
    assert [(offset, code) for offset, code, _ in told] == [
        (0, "SF204"), (22, "SF205"), (28, "SF207"),
    ]  # fmt: skip


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "INT32": st.integers(-(2**31), 2**31 - 1),
    "DECIMAL(12,2)": st.decimals(-(10**9), 10**9, places=2),
    "DOUBLE": st.floats(),
    "STRING": st.text(max_size=4),
    "BOOLEAN": st.booleans(),
    "DATE": st.dates(),
    "TIMESTAMP": st.datetimes(timezones=st.timezones(), allow_imaginary=False),
    "TIMESTAMP_NTZ": st.datetimes(),
}
VALUES["STRUCT<city:STRING,zip:INT32>"] = st.fixed_dictionaries(
    {"city": st.none() | VALUES["STRING"], "zip": st.none() | VALUES["INT32"]}
)
ROWS = st.fixed_dictionaries(
    {n: st.none() | VALUES[k] for n, k in COLUMNS.items() if k != "ANY"} | {"open": st.none()}
)


@given(TREES, ROWS)
@settings(max_examples=300)
def test_what_types_can_be_evaluated_on_every_row(tree: Expr, row: dict[str, Any]) -> None:
    told: list[str] = []
    expr = infer(tree, columns, lambda n, c, m, h="": told.append(m))
    if told:
        return
    try:
        value = evaluate(expr, row)
    except EvalError:
        return
    if type_of(expr) == BOOLEAN:
        assert value in (True, False, None)
