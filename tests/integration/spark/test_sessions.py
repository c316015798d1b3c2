"""Frames that cannot be written are refused before anything is; micro-batches are written once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.errors import UsageError
from sfctl.runtime.spark import session
from tests.shop_rig import Shop, compile_shop, copy_shop


@pytest.fixture
def shop(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("shop")
    compile_shop(root)
    made = copy_shop(root, tmp_path / "shop")
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(made.root))
    yield made
    wiring._sessions.clear()


def connect_frame() -> Any:
    """A frame of Spark Connect's own class, without a server behind it."""
    kind = type("DataFrame", (), {"__module__": "pyspark.sql.connect.dataframe"})
    return kind()


class Gone:
    """The half of a frame that is in a JVM which does not answer any more."""

    def sparkSession(self) -> Any:
        raise ConnectionRefusedError


def ended_frame() -> Any:
    """A frame of the classic class, as it is left behind by a session that ended."""
    kind = type("DataFrame", (), {"__module__": "pyspark.sql.classic.dataframe", "_jdf": Gone()})
    return kind()


@pytest.mark.parametrize(
    ("make", "code", "hint"),
    [
        (lambda spark: connect_frame(), "SF890", "classic session"),
        (lambda spark: spark.readStream.format("rate").load(), "SF892", "foreachBatch"),
        (lambda spark: ended_frame(), "SF891", "spark.stop"),
    ],
    ids=["connect", "stream", "ended"],
)
def test_frames_that_cannot_be_written(
    spark: Any, shop: Shop, make: Any, code: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        sf.write(make(spark), "orders")
    assert caught.value.code == code
    assert hint in caught.value.hint
    assert not (shop.root / "lake" / "gold" / "orders").exists()
    assert shop.degraded() == []


def test_what_is_a_frame_is_told_without_asking_spark(spark: Any) -> None:
    assert session.is_frame(spark.range(1))
    assert session.is_frame(connect_frame())
    assert not session.is_frame(spark)
    assert not session.is_frame([1])
    assert session.require_session(spark) is spark
    assert session.has_delta(spark)
    assert session.micro_batch(spark.range(1)) == ("", "")


def test_a_micro_batch_that_is_repeated_is_not_written_twice(
    spark: Any, shop: Shop, tmp_path: Path
) -> None:
    source, broken = str(tmp_path / "source"), [True]
    spark.range(3).write.format("delta").save(source)

    def publish(batch: Any, number: int) -> None:
        sf.write(batch, "plain")
        sf.write(batch.selectExpr("id + 100 as id"), "plain")
        if number == 1 and broken:
            broken.pop()
            raise RuntimeError("after the writes, before Spark notes the batch")

    def stream() -> None:
        query = (
            spark.readStream.format("delta").load(source).writeStream
            .foreachBatch(publish).option("checkpointLocation", str(tmp_path / "checkpoint"))
            .trigger(availableNow=True).start()
        )  # fmt: skip
        query.awaitTermination()

    stream()
    spark.range(3, 5).write.format("delta").mode("append").save(source)
    with pytest.raises(Exception, match="after the writes"):
        stream()
    wiring._sessions.clear()  # another process would begin anew
    stream()
    ids = sorted(shop.table("plain")["id"].to_list())
    assert ids == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]
