"""One pass that answers many aggregates; where it fails, the rule that is to blame is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Rule
from sfctl.runtime.spark.program import Program, name_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def aggregated(
    frame: DataFrame,
    wanted: Mapping[str, Sequence[Rule]],
    program: Program,
    flags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the value of each aggregate by its name; `wanted` has the rules that ask for it.

    `flags` are conditions by the name of a column under which aggregates ask for them: what several
    ask for is worked out once a row.
    Where an expression cannot be evaluated, its rule gets a fault and nothing is returned. Whatever
    else keeps the pass from ending is raised.
    """
    try:
        return _row(frame, list(wanted), flags or {})
    except _faults():
        before = len(program.faults)
        for rule in _each(wanted):
            own = [sql for sql, rules in wanted.items() if [r.id for r in rules] == [rule.id]]
            _tried(frame, own, rule, program, flags or {})
        if len(program.faults) == before:
            raise
        return {}


def accepted(frame: DataFrame, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the aggregates, by name, that Spark makes sense of; nothing is run.

    One that it does not would keep the rows from being written on which it was to ride.
    """
    try:
        _analysed(frame, wanted.values())
    except _faults():
        return {name: sql for name, sql in wanted.items() if _makes_sense(frame, sql)}
    return dict(wanted)


def _makes_sense(frame: DataFrame, sql: str) -> bool:
    try:
        _analysed(frame, [sql])
    except _faults():
        return False
    return True


def _analysed(frame: DataFrame, wanted: Iterable[str]) -> None:
    from pyspark.sql import functions as f

    asked = [f.expr(sql) for sql in wanted]
    if asked:
        frame.agg(*asked)


def _row(frame: DataFrame, wanted: Sequence[str], flags: Mapping[str, str]) -> dict[str, Any]:
    from pyspark.sql import functions as f

    asked = " ".join(wanted)
    own = {name: f.expr(sql) for name, sql in flags.items() if name in asked}
    frame = frame.withColumns(own) if own else frame
    row = frame.agg(*(f.expr(sql).alias(name_of(sql)) for sql in wanted)).first()
    assert row is not None
    return dict(row.asDict())


def _tried(
    frame: DataFrame,
    wanted: Sequence[str],
    rule: Rule,
    program: Program,
    flags: Mapping[str, str],
) -> None:
    try:
        if wanted:
            _row(frame, wanted, flags)
    except Exception as error:
        if not isinstance(error, _faults()):
            raise
        program.faults[rule.id] = error


def _each(wanted: Mapping[str, Sequence[Rule]]) -> list[Rule]:
    return list({rule.id: rule for rules in wanted.values() for rule in rules}.values())


def _faults() -> tuple[type[BaseException], ...]:
    """Return what Spark raises for an expression, and not for a job that could not be run."""
    from pyspark import errors

    return (
        errors.AnalysisException, errors.ParseException, errors.ArithmeticException,
        errors.NumberFormatException, errors.DateTimeException,
        errors.ArrayIndexOutOfBoundsException, errors.SparkRuntimeException,
    )  # fmt: skip
