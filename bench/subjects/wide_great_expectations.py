"""The wide policy in Great Expectations on pandas: one suite, pass or fail only."""

import great_expectations as gx
import pandas as pd

from bench.subjects import differ_great_expectations as one
from bench.subjects import wide
from bench.subjects.wide import Judge, Rule


def expresses(rule: Rule) -> bool:
    return one.expectation_of(rule, pd.DataFrame(columns=rule["columns"])) is not None


def prepare(rules: list[Rule], frame: pd.DataFrame) -> Judge:
    expectations = [one.expectation_of(rule, frame) for rule in rules]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas("wide")
    batch = source.add_dataframe_asset("wide").add_batch_definition_whole_dataframe("all")

    def judge(held: pd.DataFrame) -> int:
        suite = gx.ExpectationSuite(name="wide", expectations=expectations)
        found = batch.get_batch({"dataframe": held}).validate(suite, result_format="BOOLEAN_ONLY")
        return sum(not result.success for result in found.results)

    return judge


def load(file: str, columns: list[str]) -> pd.DataFrame:
    return pd.read_parquet(file, columns=columns)


wide.drive(expresses, load, prepare)
