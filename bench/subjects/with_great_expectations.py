"""The rules in Great Expectations on pandas.

`cold FILE` judges pass or fail only, the quicker mode;
`counts FILE` asks for the SUMMARY result format, which also tells how many rows failed.
"""

import json
import sys

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

from bench.subjects import rules

NOT_NULL = ["year", "month", "day", "carrier", "flight"]
NAMES = [
    "nn_dep_time",
    *(f"nn_{column}" for column in NOT_NULL),
    "in_carrier",
    "in_origin",
    "rng_month",
    "rng_day",
    "rng_hour",
    "gt_distance",
    "re_tailnum",
    "row_expr",
    "uniq_key",
    "row_count",
]


def expectations() -> list[gxe.Expectation]:
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="dep_time", mostly=0.95),
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in NOT_NULL),
        gxe.ExpectColumnValuesToBeInSet(column="carrier", value_set=rules.CARRIERS),
        gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=rules.ORIGINS),
        gxe.ExpectColumnValuesToBeBetween(column="month", min_value=1, max_value=12),
        gxe.ExpectColumnValuesToBeBetween(column="day", min_value=1, max_value=31),
        gxe.ExpectColumnValuesToBeBetween(column="hour", min_value=0, max_value=23),
        gxe.ExpectColumnValuesToBeBetween(column="distance", min_value=0, strict_min=True),
        gxe.ExpectColumnValuesToMatchRegex(column="tailnum", regex="^[A-Z0-9]{5,6}$"),
        gxe.ExpectColumnValuesToBeBetween(
            column="sched_dep_time",
            max_value=2359,
            row_condition='col("arr_time").notNull()',
            condition_parser="great_expectations",
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=rules.KEY),
        gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=rules.MOST_ROWS),
    ]


def judge(file: str, result_format: str) -> dict[str, int]:
    frame = pd.read_parquet(file, columns=rules.NAMED)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas("flights")
    batch = source.add_dataframe_asset("flights").add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name="flights", expectations=expectations())
    validated = batch.get_batch({"dataframe": frame}).validate(suite, result_format=result_format)
    by_type = {}
    for result in validated.results:
        config = result.expectation_config
        key = config.kwargs.get("column") or config.type
        by_type[config.type, key] = result
    found: dict[str, int] = {}
    for name, expectation in zip(NAMES, expectations(), strict=True):
        config = expectation.configuration
        result = by_type[config.type, config.kwargs.get("column") or config.type]
        found[name] = result.result.get("unexpected_count", 0 if result.success else -1)
    return found


if __name__ == "__main__":
    mode, file = sys.argv[1:]
    print(json.dumps(judge(file, "BOOLEAN_ONLY" if mode == "cold" else "SUMMARY")))
