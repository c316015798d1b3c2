"""The last line of defence for frames of Spark: the standard library, and the session of the job.

Rows are written by Spark as the job's author would have had it; none comes to the driver. Where
they were taken already they are read from there, so that no plan of the job runs twice.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import sfctl
from sfctl import bare_snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_NO_DELTA = (
    "DATA_SOURCE_NOT_FOUND", "DELTA_CONFIGURE_SPARK_SESSION", "ClassNotFoundException",
    "NoClassDefFoundError",
)  # fmt: skip
_LOST = "CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND"
"""What Spark raises where executors that kept rows are gone."""


def write(
    line: Any,
    df: Any,
    mode: str,
    partition: Mapping[str, object],
    fallback: str | Callable[[Any], object] | None,
) -> Any:
    """Write what is not written yet; return what `line` can say of it.

    Rows that were kept on executors that are gone by now are taken from the step before, in the
    end from the job's own plan. Raises what Spark raises where the rows cannot be computed or
    written, for that is the job's.
    """
    while True:
        try:
            return _write(line, df, mode, partition, fallback)
        except Exception as error:
            if _LOST not in str(error) or not _step_back(line.trail):
                raise


def _step_back(trail: dict[str, Any]) -> bool:
    """Forget the last rows that were kept; tell whether there are some to be had elsewhere."""
    trail.pop("rows", None)
    if trail.pop("outgoing", None) is None:
        return trail.pop("taken", None) is not None
    try:
        if withdraw := trail.get("withdraw"):
            withdraw()  # what was held back is among the rows that are written now
    except Exception as fault:  # noqa: BLE001
        sfctl._say(f"sfctl: rows that wait in quarantine are written too ({type(fault).__name__})")
    return True


def _write(
    line: Any,
    df: Any,
    mode: str,
    partition: Mapping[str, object],
    fallback: str | Callable[[Any], object] | None,
) -> Any:
    trail = line.trail
    frame, safe = trail.get("outgoing"), True
    if frame is None:
        taken = trail.get("taken")
        frame, safe = protected(line, df if taken is None else taken)
    for name, value in partition.items():
        frame = frame if name in frame.columns else frame.withColumn(name, _functions().lit(value))
    if not safe:
        return hold(line, frame)
    path = (line.entry.get("paths") or {}).get(line.stage)
    form = (line.entry.get("formats") or {}).get(line.stage) or line.entry.get("format")
    if path is None and isinstance(fallback, str):
        path, form = fallback, form or "parquet"
    rows = int(trail.get("rows") or 0)
    if path is not None:
        try:
            if form == "parquet":
                return line.report(*_snapshot(frame, path, whole=mode == "overwrite"))
            return line.report(*_table(line, frame, path, mode, partition, rows))
        except Exception as error:
            if not any(text in str(error) for text in _NO_DELTA):
                raise
            sfctl._say(f"sfctl: this Spark session has no Delta, which {path} needs")
            if fallback is None:
                line.report(rows, "nowhere: no Delta in the session, no fallback=")
                raise
    if callable(fallback):
        fallback(frame)
        return line.report(rows, "fallback")
    if fallback is not None:
        return line.report(_snapshot(frame, fallback, whole=mode == "overwrite")[0], "fallback")
    line.report(rows, "nowhere: no place in target/manifest.json, no fallback=")
    raise line.error


def protected(line: Any, frame: Any) -> tuple[Any, bool]:
    """Return the rows with every acted column emptied, and whether they may be written so."""
    empty = line.emptied(frame.columns)
    if empty is None or not empty:
        return frame, empty is not None
    functions, chosen = _functions(), []
    for field in frame.schema.fields:
        column = functions.col("`" + field.name.replace("`", "``") + "`")
        if field.name in empty:
            filler = functions.lit(empty[field.name])
            column = filler.cast(field.dataType) if empty[field.name] is None else filler
        chosen.append(column.alias(field.name))
    return frame.select(chosen), True


def hold(line: Any, frame: Any) -> Any:
    """Seal rows that may not be written, on the executors; if that cannot be, say so loudly.

    Raises what Spark raises where the rows cannot be computed even without anything of ours.
    """
    name = "".join(c if c.isalnum() else "_" for c in f"{line.urn}-{line.stage}")
    file = f"{name}-{time.time_ns()}-{os.getpid()}.parquet.sealed"
    lake = str((line.manifest.get("target") or {}).get("lake") or "")
    place = f"{lake.rstrip('/')}/_sealed/{file}" if "://" in lake else ""
    place = place or str(line.root / ".sfctl" / "sealed" / file)
    lost = ""
    try:
        from sfctl.runtime.spark import sealing

        known = None if line.trail.get("taken") is None else int(line.trail.get("rows") or 0)
        rows = sealing.seal(frame, place, line.public_key(), known)
    except Exception as fault:  # noqa: BLE001
        lost = type(fault).__name__
    if lost:
        frame.write.format("noop").mode("overwrite").save()  # raises what the job's own plan does
        sfctl._say(
            f"sfctl: NOT WRITTEN: rows for {line.urn}#{line.stage} may hold personal data, and "
            f"could be neither masked nor sealed ({lost})"
        )
        return line.report(int(line.trail.get("rows") or 0), "nowhere")
    sfctl._say(f"sfctl: {rows} rows for {line.urn}#{line.stage} are sealed in {place}")
    return line.report(rows, "sealed")


def _table(
    line: Any, frame: Any, path: str, mode: str, partition: Mapping[str, object], rows: int
) -> tuple[int, str, int | None]:
    """Write rows by Spark's Delta writer; rows of an earlier attempt are not brought in again."""
    spark = frame.sparkSession
    there = _exists(spark, f"{path}/_delta_log")
    by = (line.entry.get("partition_by") or {}).get(line.stage) or list(partition)
    quoted = path.replace("`", "``")
    if mode == "merge" and there:
        names = sfctl._policy(line.root, line.entry).get("primary_key")
        if not names:
            raise ValueError("mode merge needs primary_key in dataset.yaml")
        frame.createOrReplaceTempView("_sfctl_rows")
        same = " AND ".join(f"t.`{k}` = s.`{k}`" for k in names)
        spark.sql(
            f"MERGE WITH SCHEMA EVOLUTION INTO delta.`{quoted}` t USING _sfctl_rows s ON {same} "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )
        spark.catalog.dropTempView("_sfctl_rows")
        return _told(spark, path, rows)
    writer = frame.write.format("delta")
    if key := line.trail.get("write_key"):  # a number that stays: any commit of the key counts
        writer = writer.option("txnAppId", key).option("txnVersion", 0)
    if mode == "overwrite":
        writer = writer.mode("overwrite").option("overwriteSchema", "true")
    elif mode == "overwrite_partitions" and there:
        writer = writer.mode("overwrite").option("mergeSchema", "true")
        if partition:
            texts = {
                k: str(v).replace("\\", "\\\\").replace("'", "\\'") for k, v in partition.items()
            }
            where = " AND ".join(f"`{k}` = '{v}'" for k, v in texts.items())
            writer = writer.option("replaceWhere", where)
        else:
            writer = writer.option("partitionOverwriteMode", "dynamic")
    else:
        writer = writer.mode("append").option("mergeSchema", "true")
    if by and (not there or mode == "overwrite"):
        writer = writer.partitionBy(*by)
    writer.save(path)
    return _told(spark, path, rows)


def _told(spark: Any, path: str, rows: int) -> tuple[int, str, int | None]:
    version, brought = _newest(spark, path)
    return rows or brought, "table", version


def _newest(spark: Any, path: str) -> tuple[int | None, int]:
    """Return a Delta table's newest version and how many rows it brought, where Spark tells."""
    quoted = path.replace("`", "``")
    try:
        row = spark.sql(f"DESCRIBE HISTORY delta.`{quoted}` LIMIT 1").collect()[0]
        return int(row["version"]), int((row["operationMetrics"] or {}).get("numOutputRows") or 0)
    except Exception:  # noqa: BLE001  the rows are in, and that is what counts
        return None, 0


def _exists(spark: Any, path: str) -> bool:
    try:
        place = spark._jvm.org.apache.hadoop.fs.Path(path)
        return bool(place.getFileSystem(spark._jsc.hadoopConfiguration()).exists(place))
    except AttributeError:  # a session of Spark Connect has no JVM at hand
        return _newest(spark, path.removesuffix("/_delta_log"))[0] is not None


def _snapshot(frame: Any, path: str, *, whole: bool) -> tuple[int, str, int]:
    """Add one version to a Parquet table: the files that Spark wrote, and a manifest of all."""
    folder = f"{path}/data/{time.time_ns():x}.parquet"
    frame.write.parquet(folder)
    functions, back = _functions(), frame.sparkSession.read.parquet(folder)
    counted = back.groupBy(functions.col("_metadata.file_name").alias("n")).count().collect()
    name = folder.rpartition("/")[2]
    files = [{"path": f"data/{name}/{row['n']}", "rows": row["count"]} for row in counted]
    version = bare_snapshot.add(Path(path), files, whole=whole)
    return sum(row["count"] for row in counted), "table", version


def _functions() -> Any:
    from pyspark.sql import functions

    return functions
