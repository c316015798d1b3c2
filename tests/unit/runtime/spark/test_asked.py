"""What writers are asked to do, read off the calls on them."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.runtime.spark.asked import Asked, asked

MODE = ("mode", ("append",), {})
DELTA = ("format", ("delta",), {})


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "calls", "wanted"),
    [
        ("save", ("/t",), {}, [DELTA, MODE], Asked("save", "append", "delta", "/t")),
        ("save", ("/t",), {}, [], Asked("save", "error", "", "/t")),
        (
            "save", (), {"path": "/t", "format": "delta", "mode": "overwrite", "partitionBy": "dt"},
            [MODE], Asked("save", "overwrite", "delta", "/t", partition_by=("dt",)),
        ),
        (
            "save", (), {},
            [DELTA, ("option", ("path", "/t"), {}), ("partitionBy", ("a", "b"), {})],
            Asked("save", "error", "delta", "/t", partition_by=("a", "b")),
        ),
        (
            "save", ("/t", "delta", "Overwrite", ["a"]), {"partitionOverwriteMode": "dynamic"}, [],
            Asked("save", "overwrite", "delta", "/t", partition_by=("a",), dynamic=True),
        ),
        (
            "save", ("/t",), {},
            [DELTA, ("partitionBy", (["a", "b"],), {}), ("options", (), {"mergeSchema": False})],
            Asked("save", "error", "delta", "/t", partition_by=("a", "b")),
        ),
        (
            "saveAsTable", ("db.t",), {"mode": "ignore"}, [],
            Asked("saveAsTable", "ignore", table="db.t"),
        ),
        ("insertInto", ("t",), {}, [], Asked("insertInto", "append", table="t")),
        ("insertInto", ("t", True), {}, [], Asked("insertInto", "overwrite", table="t")),
        (
            "insertInto", ("t",), {"overwrite": False}, [("mode", ("overwrite",), {})],
            Asked("insertInto", "append", table="t"),
        ),
        (
            "overwritePartitions", (), {}, [("__init__", ("df", "t"), {})],
            Asked("overwritePartitions", "overwrite_partitions", table="t"),
        ),
        (
            "createOrReplace", (), {},
            [("__init__", ("df",), {"table": "t"}), ("using", ("delta",), {})],
            Asked("createOrReplace", "replace", "delta", table="t"),
        ),
    ],
)  # fmt: skip
def test_what_can_be_repeated(
    method: str, args: Any, kwargs: Any, calls: Any, wanted: Asked
) -> None:
    assert asked(method, args, kwargs, calls) == wanted


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "calls", "reason"),
    [
        ("save", ("/t",), {"replaceWhere": "id > 1"}, [DELTA], "option replacewhere"),
        ("save", ("/t",), {}, [DELTA, ("option", ("mergeSchema", True), {})], "option mergeschema"),
        ("save", ("/t",), {}, [DELTA, ("option", ("txnAppId", "x"), {})], "option txnappid"),
        ("save", ("/t",), {}, [DELTA, ("bucketBy", (2, "id"), {})], "bucketBy"),
        ("save", ("/t",), {}, [DELTA, ("clusterBy", ("id",), {})], "clusterBy"),
        ("save", ("/t",), {}, [DELTA, ("mode", ("upsert",), {})], "mode"),
        ("insertInto", ("t",), {}, [("partitionBy", ("a",), {})], "partitionBy with insertInto"),
        ("saveAsTable", ("t",), {}, [("option", ("path", "/t"), {})], "path"),
        ("overwrite", ("cond",), {}, [("__init__", ("df", "t"), {})], "overwrite"),
        ("create", (), {}, [("__init__", ("df", "t"), {})], "create"),
        (
            "append", (), {}, [("__init__", ("df", "t"), {}), ("tableProperty", ("a", "b"), {})],
            "tableProperty",
        ),
    ],
)  # fmt: skip
def test_what_only_spark_can_do(
    method: str, args: Any, kwargs: Any, calls: Any, reason: str
) -> None:
    assert asked(method, args, kwargs, calls).unfit == reason
