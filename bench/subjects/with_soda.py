"""The rules as a soda contract, run by its DuckDB data source over a view of the file."""

import json
import sys
from pathlib import Path

import duckdb
from soda_core.contracts.api.verify_api import verify_contract_locally
from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

RULES = {
    "None.row_count": "row_count",
    "None.duplicate": "uniq_key",
    "None.failed_rows": "row_expr",
    "dep_time.missing": "nn_dep_time",
    "year.missing": "nn_year",
    "month.missing": "nn_month",
    "month.invalid": "rng_month",
    "day.missing": "nn_day",
    "day.invalid": "rng_day",
    "hour.invalid": "rng_hour",
    "carrier.missing": "nn_carrier",
    "carrier.invalid": "in_carrier",
    "flight.missing": "nn_flight",
    "origin.invalid": "in_origin",
    "tailnum.invalid": "re_tailnum",
    "distance.failed_rows": "gt_distance",
}
COUNTS = {
    "missing": "missing_count",
    "invalid": "invalid_count",
    "duplicate": "duplicate_count",
    "failed_rows": "failed_rows_count",
}
CONTRACT = Path(__file__).with_name("flights.contract.yaml")


def judge(file: str) -> dict[str, int]:
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW flights AS SELECT * FROM read_parquet('{file}')")
    source = DuckDBDataSourceImpl.from_existing_cursor(connection, "flights")
    session = verify_contract_locally(data_sources=[source], contract_file_path=str(CONTRACT))
    if session.get_errors():
        raise SystemExit(str(session.get_errors()))
    found: dict[str, int] = {}
    for result in session.contract_verification_results[0].check_results:
        rule = RULES[f"{result.check.column_name}.{result.check.type}"]
        passed = result.outcome.name == "PASSED"
        values = result.diagnostic_metric_values or {}
        found[rule] = int(values.get(COUNTS.get(result.check.type, ""), 0 if passed else 1))
    return found


if __name__ == "__main__":
    print(json.dumps(judge(sys.argv[2])))
