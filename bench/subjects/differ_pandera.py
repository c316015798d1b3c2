"""Each generated rule in pandera on Polars: built-in checks, and a check function where none is."""

import pandera.polars as pa
import polars as pl

from bench.differential.now import NOW
from bench.subjects import differ
from bench.subjects.differ import Answer, Rule

TYPES = {
    "INT64": pl.Int64, "DOUBLE": pl.Float64, "DATE": pl.Date, "STRING": pl.String,
    "BOOLEAN": pl.Boolean,
}  # fmt: skip
RAISED = pa.errors.SchemaErrorReason.CHECK_ERROR
BATCH = ("row_count", "null_rate", "distinct_count", "aggregate", "freshness")


def answer(rule: Rule, frame: pl.DataFrame) -> Answer | None:
    schema = schema_of(rule, frame)
    if schema is None:
        return None
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        if any(error.reason_code is RAISED for error in errors.schema_errors):
            return {"verdict": "error", "failed": None, "reason": "the check raised"}
        return differ.verdict(False, None if rule["kind"] in BATCH else rows(errors))
    return differ.verdict(True, None if rule["kind"] in BATCH else 0)


def rows(errors: pa.errors.SchemaErrors) -> int | None:
    """Return the failing rows; None where the type of the column as a whole is at fault."""
    if any(str(check).startswith("dtype(") for check in errors.failure_cases["check"]):
        return None
    return errors.failure_cases.height


def schema_of(rule: Rule, frame: pl.DataFrame) -> pa.DataFrameSchema | None:
    kind, column = rule["kind"], rule.get("field", "")
    if "where" in rule or "threshold" in rule:
        return None  # neither a filter nor a share of rows that may fail
    if kind in ("unique", "duplicate_rows"):
        if rule.get("nulls") == "distinct":
            return None
        names = [column] if column else rule.get("fields", frame.columns)
        return pa.DataFrameSchema(unique=list(names))
    if kind == "expression":
        return of_rows(pl.sql_expr(rule["expression"]))
    if kind in BATCH:
        return of_rows(measure(rule, column, frame))
    if kind == "type":
        wanted = pa.Column(TYPES[rule["type"]], coerce=True, nullable=True)
        return pa.DataFrameSchema({column: wanted})
    checks = None if kind == "not_null" else check(rule, column)
    if kind != "not_null" and checks is None:
        return None
    return pa.DataFrameSchema(
        {column: pa.Column(frame.schema[column], checks, nullable=kind != "not_null")}
    )


def of_rows(expr: pl.Expr) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        checks=[pa.Check(lambda data: data.lazyframe.select(expr), error="case")]
    )


def check(rule: Rule, column: str) -> pa.Check | None:
    kind = rule["kind"]
    if kind in ("accepted_values", "foreign_key"):
        values = rule["values"] if kind == "accepted_values" else rule["keys"]
        return pa.Check.isin([differ.typed(v, column) for v in values], error="case")
    if kind == "not_accepted_values":
        return pa.Check.notin([differ.typed(v, column) for v in rule["values"]], error="case")
    if kind == "length":
        return pa.Check.str_length(rule.get("min"), rule.get("max"), error="case")
    if kind == "pattern":
        return pa.Check.str_matches(f"^(?:{rule['pattern']})$", error="case")
    if kind != "range":
        return None
    low, high, below, above = differ.ends(rule, column)
    if low is None:
        return (pa.Check.lt if above else pa.Check.le)(high, error="case")
    if high is None:
        return (pa.Check.gt if below else pa.Check.ge)(low, error="case")
    return pa.Check.in_range(low, high, include_min=not below, include_max=not above, error="case")


def measure(rule: Rule, column: str, frame: pl.DataFrame) -> pl.Expr:
    """Return what one writes in Polars: pandera itself has no measures."""
    kind, value = rule["kind"], pl.col(column) if column else pl.len()
    if kind == "freshness":
        since = differ.oldest(rule, NOW)
        kept = (
            since
            if frame.schema[column] == pl.Datetime("us", "UTC")
            else since.replace(tzinfo=None)
        )
        return value.max() >= (kept.date() if frame.schema[column] == pl.Date else kept)
    if kind == "null_rate":
        rate = value.is_null().mean()
        low = differ.share(rule["min"]) if "min" in rule else 0.0
        return rate.is_between(low, differ.share(rule["max"]))
    if kind == "distinct_count":
        value = value.n_unique()
    if kind == "aggregate":
        value = aggregated(rule, value)
    low, high = rule.get("min"), rule.get("max")
    tests = [value >= low] if low is not None else []
    tests += [value <= high] if high is not None else []
    return pl.all_horizontal(tests)


def aggregated(rule: Rule, value: pl.Expr) -> pl.Expr:
    function = rule["function"]
    if function == "quantile":
        return value.quantile(rule["quantile"], interpolation="linear")
    return getattr(value, {"avg": "mean", "stddev": "std"}.get(function, function))()


if __name__ == "__main__":
    differ.drive(pl.read_parquet, answer)
