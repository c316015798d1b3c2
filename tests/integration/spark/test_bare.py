"""The last line for frames of Spark: what a job's author would have written, as Spark writes it."""

from __future__ import annotations

import importlib.abc
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl
from tests.shop_rig import Shop, copy_shop

SHAPE = "id long, amount double, contact string"
TOLD = [(1, 1.0, "a@b.org"), (2, 2.0, None), (3, 3.0, "x")]
PACKAGE = Path(sfctl.__file__).parent


class Broken(importlib.abc.MetaPathFinder):
    """Lets one module of ours raise at import."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        del path, target
        if name == self.name:
            raise RuntimeError(f"{name} is broken")


@pytest.fixture
def anew() -> Iterator[Any]:
    """Import everything of ours anew with one module broken; afterwards all is as it was."""
    kept = {n: m for n, m in sys.modules.items() if n == "sfctl" or n.startswith("sfctl.")}
    finders = list(sys.meta_path)

    def forget() -> None:
        for name in [n for n in sys.modules if n == "sfctl" or n.startswith("sfctl.")]:
            del sys.modules[name]

    def broken(module: str) -> Any:
        sys.meta_path[:] = [Broken(module), *finders]
        forget()
        import sfctl as fresh

        return fresh

    yield broken
    sys.meta_path[:] = finders
    forget()
    sys.modules.update(kept)


@pytest.fixture
def bare(anew: Any) -> Any:
    """Return `sf.write` on a day when nothing of ours can be imported."""
    return anew("sfctl.wiring").write


def frame(spark: Any, *rows: Any) -> Any:
    return spark.createDataFrame(list(rows) or TOLD, SHAPE).repartition(2)


def ids(shop: Shop, name: str = "plain") -> list[int]:
    return sorted(shop.table(name)["id"].to_list())


def test_append_and_overwrite(spark: Any, shop: Shop, bare: Any) -> None:
    result = bare(frame(spark), "plain")
    assert (result.written, result.rows_published, result.version) == ("table", 3, 0)
    assert bare(frame(spark, (4, 1.0, "x")), "plain").version == 1
    assert ids(shop) == [1, 2, 3, 4]
    assert bare(frame(spark, (5, 1.0, "x")), "plain", mode="overwrite").version == 2
    assert ids(shop) == [5]
    events = [(e["error"], e["written"], e["rows"]) for e in shop.degraded()]
    assert sorted(events) == [("RuntimeError", "table", rows) for rows in (1, 1, 3)]


def test_partitions_are_made_and_replaced(spark: Any, shop: Shop, bare: Any) -> None:
    for day, number in (("2026-11-20", 1), ("2026-11-21", 2)):
        bare(frame(spark, (number, 1.0, "x")), "plain", partition={"day": day})
    again = frame(spark, (3, 1.0, "it's"))
    bare(again, "plain", mode="overwrite_partitions", partition={"day": "2026-11-21"})
    assert ids(shop) == [1, 3]
    dynamic = frame(spark, (4, 1.0, "x")).selectExpr("*", "'2026-11-20' as day")
    bare(dynamic, "plain", mode="overwrite_partitions")
    assert ids(shop) == [3, 4]
    assert (shop.root / "lake" / "gold" / "plain" / "day=2026-11-20").is_dir()


def test_a_merge_updates_and_inserts(spark: Any, shop: Shop, bare: Any) -> None:
    bare(frame(spark), "plain", mode="merge")
    bare(frame(spark, (3, 30.0, "new"), (4, 4.0, "y")), "plain", mode="merge")
    rows = shop.table("plain").sort("id")
    assert rows["amount"].to_list() == [1.0, 2.0, 30.0, 4.0]
    assert "_sfctl_rows" not in [t.name for t in spark.catalog.listTables()]


def test_a_key_brings_rows_in_once(spark: Any, shop: Shop) -> None:
    from sfctl import _LastLine

    for _ in range(2):
        trail = {"write_key": "k1"}
        _LastLine("write", RuntimeError("x"), "plain", "gold", trail).write(
            frame(spark), "append", {}, None
        )
    assert ids(shop) == [1, 2, 3]


def test_acted_columns_are_emptied_fields_with_theirs(
    spark: Any, shop: Shop, bare: Any, anew: Any
) -> None:
    bare(frame(spark), "orders")
    assert shop.table()["contact"].to_list() == [None] * 3
    shop.edit("orders", acted=["who.mail", "no such"])
    nested = frame(spark).selectExpr("id + 10 as id", "named_struct('mail', contact) as who")
    anew("sfctl.wiring").write(nested, "orders")
    who = shop.table().filter(pl.col("id") > 10)["who"]
    assert who.null_count() == 3
    for file in (shop.root / "lake").rglob("*.parquet"):
        assert b"a@b.org" not in file.read_bytes()


def test_fields_go_with_their_column_on_one_machine_too(shop: Shop, bare: Any) -> None:
    shop.edit("orders", acted=["who.mail"])
    bare(pl.DataFrame({"id": [1], "who": [{"mail": "a@b.org"}]}), "orders")
    assert shop.table()["who"].to_list() == [None]


@pytest.mark.parametrize("name", ["strict", "everywhere"])
def test_what_may_not_be_emptied_is_sealed(name: str, spark: Any, shop: Shop, bare: Any) -> None:
    result = bare(frame(spark), name)
    assert (result.written, result.rows_quarantined) == ("sealed", 3)
    assert not (shop.root / "lake" / "gold" / name).exists()


def test_parquet_tables_get_a_version(spark: Any, shop: Shop, bare: Any) -> None:
    from sfctl.runtime.tables.formats import open_table

    shop.edit("plain", formats={"gold": "parquet"})
    path = str(shop.root / "lake" / "gold" / "plain")
    assert bare(frame(spark), "plain").version == 0
    assert bare(frame(spark, (4, 1.0, "x")), "plain").rows_published == 1
    assert sorted(open_table(path, "parquet").scan().collect()["id"]) == [1, 2, 3, 4]
    bare(frame(spark, (5, 1.0, "x")), "plain", mode="overwrite")
    assert open_table(path, "parquet").scan().collect()["id"].to_list() == [5]


def test_fallbacks_get_the_frame_or_its_rows(
    spark: Any, shop: Shop, bare: Any, tmp_path: Path
) -> None:
    got: list[Any] = []
    shop.edit("plain", paths={})
    assert bare(frame(spark), "plain", fallback=got.append).written == "fallback"
    assert type(got[0]).__module__.startswith("pyspark.sql")
    bare(frame(spark), "plain", fallback=str(tmp_path / "rows"))
    assert pl.read_delta(str(tmp_path / "rows")).height == 3
    with pytest.raises(RuntimeError, match="is broken"):
        bare(frame(spark), "plain")


WITHOUT_JARS = """
import os, sys
from pyspark.sql import SparkSession
spark = (
    SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "1")
    .getOrCreate()
)
rows = spark.createDataFrame([(1, 1.0, "a"), (2, 2.0, None)], "id long, amount double, c string")
import sfctl as sf
result = sf.write(rows, "plain")
assert (result.certification, result.degraded) == ("CERTIFIED", ()), result
from sfctl import _LastLine
line = lambda: _LastLine("write", RuntimeError("broken"), "plain", "gold")
told = line().write(rows, "append", {}, sys.argv[1])
assert (told.written, told.rows_published) == ("fallback", 2), told
try:
    line().write(rows, "append", {}, None)
except Exception as error:
    assert "DATA_SOURCE_NOT_FOUND" in str(error) or "delta" in str(error).lower(), error
    spark.stop()
    sys.exit(7)
"""


def test_a_session_without_delta_writes_what_it_can(shop: Shop, spark: Any, tmp_path: Path) -> None:
    del spark  # where there is none this one does not start either
    script = tmp_path / "job.py"
    script.write_text(WITHOUT_JARS)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYSPARK_"))}
    done = subprocess.run(
        [sys.executable, script, tmp_path / "rows"],
        cwd=shop.root, env={**clean, "PYSPARK_PYTHON": sys.executable}, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr[-3000:]
    assert "this Spark session has no Delta" in done.stderr
    assert ids(shop) == [1, 2]
    assert pl.read_parquet(tmp_path / "rows" / "data" / "*" / "*.parquet").height == 2
    assert {e["written"].partition(":")[0] for e in shop.degraded()} == {"fallback", "nowhere"}


ONE_OF_EACH_STEP = {
    "engines", "engine", "session", "held", "staging", "program", "emit", "judge", "arrow",
    "workers", "adopt", "bare_spark",
}  # fmt: skip


def imported() -> list[str]:
    """Modules that a Spark write imports, all of them where there is time."""
    names = [
        ".".join(("sfctl", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    ]
    if not os.environ.get("SFCTL_CHAOS_ROUNDS"):
        near = ("sfctl.runtime.spark.", "sfctl.runtime.job.", "sfctl.bare_")
        names = [
            n for n in names if n.startswith(near) and n.rpartition(".")[2] in ONE_OF_EACH_STEP
        ]
    return sorted(name for name in names if name in sys.modules)


def test_each_module_that_raises_at_import_costs_the_job_no_row(
    spark: Any, compiled_shop: Path, tmp_path: Path, anew: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = frame(spark).cache()
    rows.count()

    def written(module: str) -> tuple[Any, pl.DataFrame]:
        made = copy_shop(compiled_shop, tmp_path / "shop")
        monkeypatch.setenv("SFCTL_PROJECT_DIR", str(made.root))
        result = anew(module).write(rows, "orders")
        table = made.table().sort("id")
        shutil.rmtree(made.root)
        return result, table

    whole, _ = written("no such module")
    assert whole.certification == "CERTIFIED"
    modules = [*imported(), "sfctl.bare_spark"]
    assert len(modules) > len(ONE_OF_EACH_STEP) - 2
    lost = []
    for module in modules:
        result, table = written(module)
        contacts = table["contact"].to_list()
        if table["id"].to_list() != [1, 2, 3] or "a@b.org" in contacts or not result.published:
            lost.append((module, table.to_dicts()))
    assert not lost
    rows.unpersist()
