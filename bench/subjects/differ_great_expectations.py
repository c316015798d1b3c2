"""Each generated rule as an expectation of Great Expectations on pandas, a suite per table."""

import re
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

from bench.differential.now import NOW
from bench.subjects import differ
from bench.subjects.differ import Answer, Rule

TYPES = {"INT64": "int64", "DOUBLE": "float64", "STRING": "str", "BOOLEAN": "bool"}
MEASURES = {
    "sum": gxe.ExpectColumnSumToBeBetween, "avg": gxe.ExpectColumnMeanToBeBetween,
    "min": gxe.ExpectColumnMinToBeBetween, "max": gxe.ExpectColumnMaxToBeBetween,
    "stddev": gxe.ExpectColumnStdevToBeBetween,
}  # fmt: skip
COUNTED = (
    "not_null", "accepted_values", "not_accepted_values", "foreign_key", "range", "length",
    "pattern", "format", "unique", "duplicate_rows", "expression", "type",
)  # fmt: skip


def answers(rules: list[Rule], frame: pd.DataFrame) -> list[Answer | None]:
    found: list[Answer | None] = [None] * len(rules)
    expectations = []
    for number, rule in enumerate(rules):
        expectation = expectation_of(rule, frame)
        if expectation is not None:
            expectation.meta = {"case": number}
            expectations.append(expectation)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas("cases")
    batch = source.add_dataframe_asset("cases").add_batch_definition_whole_dataframe("all")
    whole = batch.get_batch({"dataframe": frame})
    for start in range(0, len(expectations), 100):
        suite = gx.ExpectationSuite(name="cases", expectations=expectations[start : start + 100])
        for result in whole.validate(suite, result_format="BASIC").results:
            number = result.expectation_config.meta["case"]
            found[number] = answer(rules[number], result)
    return found


def answer(rule: Rule, result: Any) -> Answer:
    raised = [
        info
        for info in (result.exception_info or {}).values()
        if isinstance(info, dict) and info.get("raised_exception")
    ]
    if raised or (result.exception_info or {}).get("raised_exception") is True:
        reason = (raised or [result.exception_info])[0]["exception_message"]
        return {"verdict": "error", "failed": None, "reason": reason}
    counted = rule["kind"] in COUNTED
    return differ.verdict(
        result.success, result.result.get("unexpected_count") if counted else None
    )


def expectation_of(rule: Rule, frame: pd.DataFrame) -> Any:
    kind, column = rule["kind"], rule.get("field", "")
    limit = rule.get("threshold")
    if isinstance(limit, int):
        return None  # no count of rows that may fail
    more: dict[str, Any] = {} if limit is None else {"mostly": 1 - differ.share(limit)}
    if column:
        more["column"] = column
    if "where" in rule:
        name, sign, number = rule["where"].split()
        more |= {
            "row_condition": f'col("{name}") {sign} {number}',
            "condition_parser": "great_expectations",
        }
    if kind == "not_null":
        return gxe.ExpectColumnValuesToNotBeNull(**more)
    if kind in ("accepted_values", "not_accepted_values", "foreign_key"):
        values = rule["keys"] if kind == "foreign_key" else rule["values"]
        typed = [differ.typed(value, column) for value in values]
        negated = kind.startswith("not_")
        make = gxe.ExpectColumnValuesToNotBeInSet if negated else gxe.ExpectColumnValuesToBeInSet
        return make(value_set=typed, **more)
    if kind == "range":
        return gxe.ExpectColumnValuesToBeBetween(**between(rule, column), **more)
    if kind == "length":
        bounds = {f"{end}_value": rule[end] for end in ("min", "max") if end in rule}
        return gxe.ExpectColumnValueLengthsToBeBetween(**bounds, **more)
    if kind == "pattern":
        return gxe.ExpectColumnValuesToMatchRegex(regex=f"^(?:{rule['pattern']})$", **more)
    if kind == "format" and rule["format"] == "date":
        return gxe.ExpectColumnValuesToMatchStrftimeFormat(strftime_format="%Y-%m-%d", **more)
    if kind == "type" and rule["type"] in TYPES:
        return gxe.ExpectColumnValuesToBeOfType(type_=TYPES[rule["type"]], **more)
    if kind == "expression":
        return pair(rule, more)
    return of_all(rule, column, frame)


def between(rule: Rule, column: str) -> dict[str, Any]:
    low, high, below, above = differ.ends(rule, column)
    found: dict[str, Any] = {}
    if low is not None:
        found |= {"min_value": low, "strict_min": below}
    if high is not None:
        found |= {"max_value": high, "strict_max": above}
    return found


def pair(rule: Rule, more: dict[str, Any]) -> Any:
    """Return the expectation on two columns; others have no counterpart on pandas."""
    found = re.fullmatch(r"(\w+) (<|<=) (\w+)", rule["expression"])
    if found is None:
        return None
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=found[3], column_B=found[1], or_equal=found[2] == "<=", **more
    )


def of_all(rule: Rule, column: str, frame: pd.DataFrame) -> Any:
    kind = rule["kind"]
    if kind in ("unique", "duplicate_rows"):
        if column and rule.get("nulls") == "distinct":
            return gxe.ExpectColumnValuesToBeUnique(column=column)
        if column:
            return None
        skipped = {"equal": "never", "distinct": "any_value_is_missing"}
        return gxe.ExpectCompoundColumnsToBeUnique(
            column_list=rule.get("fields", list(frame.columns)),
            ignore_row_if=skipped[rule.get("nulls", "equal")],
        )
    if kind == "row_count":
        return gxe.ExpectTableRowCountToBeBetween(min_value=rule["min"], max_value=rule["max"])
    if kind == "null_rate":
        low = differ.share(rule["min"]) if "min" in rule else 0.0
        return gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
            column=column, min_value=1 - differ.share(rule["max"]), max_value=1 - low
        )
    if kind == "distinct_count":
        return gxe.ExpectColumnUniqueValueCountToBeBetween(
            column=column, min_value=rule["min"], max_value=rule["max"]
        )
    if kind == "freshness":
        since = differ.oldest(rule, NOW)
        kept = since if column.startswith(("instants", "zoned")) else since.replace(tzinfo=None)
        bound = kept.date() if column.startswith("days") else kept
        return gxe.ExpectColumnMaxToBeBetween(column=column, min_value=bound)
    if kind == "aggregate" and rule["function"] == "quantile":
        ranges = [[rule.get("min"), rule.get("max")]]
        quantiles = {"quantiles": [rule["quantile"]], "value_ranges": ranges}
        return gxe.ExpectColumnQuantileValuesToBeBetween(
            column=column, quantile_ranges=quantiles, allow_relative_error=False
        )
    if kind == "aggregate":
        bounds = {f"{end}_value": rule[end] for end in ("min", "max") if end in rule}
        return MEASURES[rule["function"]](column=column, **bounds)
    return None


if __name__ == "__main__":
    differ.drive_tables(pd.read_parquet, answers)
