"""Rows are counted where they are taken, judged, divided and committed: the numbers must agree."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sfctl.certification.ledger import record_of
from sfctl.errors import StoreError
from sfctl.runtime.core.split import Split, split
from tests.publish_rig import Rig, batch, policy


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


class Killed(Exception):
    pass


def kill(step: str) -> None:
    if step == "committed":
        raise Killed


def twice(rig: Rig) -> None:
    """A table that holds the key of a merge in two rows, so that one row changes both."""
    rig.write(pl.concat([batch(1), batch(1)]))


def test_a_merge_that_changed_more_rows_than_were_judged_does_not_certify(rig: Rig) -> None:
    twice(rig)
    result = rig.write(batch(5), day=2, mode="merge")
    fault = "COMMIT_DISAGREES:2 rows for 1"
    assert (result.version, result.degraded) == (1, (fault,))
    assert result.certification_reasons == (f"DEGRADED:{fault}",)
    assert result.certified_version == 0
    after = rig.write(batch(6, start=9), day=3)
    assert after.certification_reasons == ("TAINTED(1)",)


def test_a_kill_after_the_commit_forgets_nothing_of_it(rig: Rig) -> None:
    twice(rig)
    rig.reached = kill
    with pytest.raises(Killed):
        rig.write(batch(5), day=2, mode="merge")
    rig.reached = lambda _step: None
    again = rig.write(batch(5), day=2, mode="merge", attempt=1)
    assert (again.already_published, again.certified_version) == (True, 0)
    assert again.degraded == ("COMMIT_DISAGREES:2 rows for 1",)


@pytest.mark.parametrize("mode", ["append", "overwrite", "overwrite_partitions", "merge"])
@pytest.mark.parametrize("partition", [{"dt": "a"}, {}])
def test_commits_of_every_mode_bear_their_records_out(
    rig: Rig, mode: str, partition: dict[str, object]
) -> None:
    first = pl.concat([batch(1, 2, 3), batch(4, 5, start=7)])
    dates = pl.Series("dt", ["a", "a", "b", "b", "b"])
    rig.write(first.with_columns(dates), partition_by=("dt",) if partition else ())
    again = batch(6, 7, start=1).with_columns(dt=pl.lit("a"))
    rig.write(again, day=2, mode=mode, partition=partition)
    rig.write(again.head(0), day=3, mode=mode, partition=partition)
    commits = rig.table().commits(None)
    assert [commit.rows for commit in commits] == [5, 2, 0]
    assert [record_of(commit).kind for commit in commits] == ["passed", "passed", "diverted"]


def test_a_split_that_loses_a_row_is_refused(rig: Rig) -> None:
    def forgetful(frame: pl.DataFrame, by: object, stage: str, judgement: object) -> Split:
        found = split(frame, by, stage, judgement=judgement)  # type: ignore[arg-type]
        return Split(found.good.head(1), found.bad)

    with pytest.raises(StoreError, match="3 rows were taken, 3 were judged, 1 good and 1 bad") as e:
        rig.write(batch(1, 2, -3), policy(share="1"), ports={"split": forgetful})
    assert e.value.code == "SF335"
    assert rig.table().head() is None
