"""One damaged file in a whole repo: refused with a place, or accepted and sound, never a crash."""

from __future__ import annotations

from pathlib import Path

from tests.fuzzing.rounds import run

ROUNDS = 200


def test_a_damaged_file_ends_in_problems_or_in_sound_policies(tmp_path: Path) -> None:
    ends = run(tmp_path, 0, ROUNDS)
    assert ends["refused"] > ROUNDS / 2
    assert ends["accepted"] + ends["warned"] > ROUNDS / 20
