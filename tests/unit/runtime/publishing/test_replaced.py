"""A table deleted and made anew past us: nothing said of the former one counts for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import deltalake
import pytest

from sfctl.certification import pin
from sfctl.errors import SourceError, UsageError
from sfctl.runtime.publishing.certified import certified
from sfctl.runtime.publishing.recertify import move_back, verify
from tests.publish_rig import NOW, URN, Rig, batch, policy


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def replace(rig: Rig, commits: int = 1, keep_pin: bool = False) -> None:
    shutil.rmtree(Path(rig.path) / "_delta_log" if keep_pin else rig.path)
    for number in range(commits):
        deltalake.write_deltalake(rig.path, batch(-9, start=900 + number), mode="append")


def pinned(rig: Rig) -> tuple[str, int | None]:
    known = pin.read(Path(rig.path))
    assert known is not None
    return known.certification_status, known.last_certified_version


@pytest.mark.parametrize("commits", [1, 2, 4])
def test_what_was_certified_does_not_count_for_the_new_table(rig: Rig, commits: int) -> None:
    rig.write(batch(1), day=1)
    rig.write(batch(2, start=10), day=2)
    replace(rig, commits)
    result = rig.write(batch(3, start=20), day=3)
    assert (result.certification, result.certified_version) == ("NEVER_CERTIFIED", None)
    assert result.certification_reasons[:2] == ("TABLE_REPLACED", "TAINTED(0)")
    assert pinned(rig) == ("NEVER_CERTIFIED", None)
    again = rig.write(batch(4, start=30), day=4)
    assert again.certification_reasons[:2] == ("TABLE_REPLACED", "TAINTED(0)")
    with pytest.raises(UsageError, match="CERTIFIED record"):
        move_back(rig.request(batch(), policy(), 5), rig.ports(), 0)


def test_overwriting_the_new_table_certifies_it(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    replace(rig)
    result = rig.write(batch(3, start=20), day=3, mode="overwrite")
    assert (result.certification, result.certified_version) == ("CERTIFIED", 1)
    assert (rig.ids(1), pinned(rig)) == ([20], ("CERTIFIED", 1))


@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_a_table_we_make_anew_certifies_by_its_own_versions(tmp_path: Path, form: str) -> None:
    rig = Rig(tmp_path, format=form)
    rig.write(batch(1), day=1)
    rig.write(batch(2, start=10), day=2)
    before = rig.table().identity()
    shutil.rmtree(rig.path)
    result = rig.write(batch(3, start=20), day=3)
    assert before not in ("", rig.table().identity())
    assert (result.certification, result.certified_version) == ("CERTIFIED", 0)
    assert pinned(rig) == ("CERTIFIED", 0)


def test_readers_and_certify_refuse_the_pin_of_the_former_table(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    replace(rig, keep_pin=True)
    with pytest.raises(SourceError, match="was replaced") as caught:
        certified(URN, rig.path, now=NOW)
    assert caught.value.code == "SF323"
    found = verify(rig.request(batch(), policy(), 2), rig.ports())
    assert (found.certification_status, found.reasons) == ("NEVER_CERTIFIED", ("TABLE_REPLACED",))
    assert pinned(rig) == ("NEVER_CERTIFIED", None)
