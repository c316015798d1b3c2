"""A commit past us that carries a copy of our note is foreign all the same."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pytest

from tests.publish_rig import Rig, batch


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def note_of(source: str) -> deltalake.CommitProperties:
    entry = deltalake.DeltaTable(source).history(1)[0]
    note = {name: str(entry[name]) for name in ("sfctl", "sfctl_keys")}
    return deltalake.CommitProperties(custom_metadata=note)


def copy_note(rig: Rig, source: str) -> None:
    deltalake.write_deltalake(
        rig.path, batch(-9, start=900), mode="append", commit_properties=note_of(source)
    )


def test_a_note_copied_within_the_table_taints(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    copy_note(rig, rig.path)
    result = rig.write(batch(2, start=10), day=2)
    assert (result.certification, result.certified_version) == ("HELD_AT_PREVIOUS", 0)
    assert result.certification_reasons == ("TAINTED(1)",)


def test_a_copied_note_is_not_taken_for_the_write_it_names(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    copy_note(rig, rig.path)
    again = rig.write(batch(1), day=1)
    assert (again.already_published, again.version, again.certified_version) == (True, 0, 0)


def test_a_note_copied_from_the_table_of_another_stage_taints(rig: Rig, tmp_path: Path) -> None:
    other = Rig(tmp_path / "other")
    other.write(batch(1), day=1, stage="silver")
    rig.write(batch(1), day=2)
    copy_note(rig, other.path)
    result = rig.write(batch(2, start=10), day=3)
    assert result.certification_reasons == ("TAINTED(1)",)


def test_files_that_a_writer_compacts_under_the_note_of_its_commit_taint_nothing(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    rig.write(batch(2, start=10), day=2)
    table = deltalake.DeltaTable(rig.path)
    table.optimize.compact(commit_properties=note_of(rig.path))
    assert deltalake.DeltaTable(rig.path).version() == 2
    result = rig.write(batch(3, start=20), day=3)
    assert (result.certification, result.certified_version) == ("CERTIFIED", 3)
