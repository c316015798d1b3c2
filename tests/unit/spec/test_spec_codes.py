from __future__ import annotations

import re
from pathlib import Path

import sfctl.spec
from sfctl.codes import CODES

USED = {
    code
    for file in Path(sfctl.spec.__file__).parent.rglob("*.py")
    for code in re.findall(r"SF\d{3}", file.read_text(encoding="utf-8"))
}
OURS = {code for code in CODES if code.startswith("SF1")}
PACKS = {"SF270", "SF271", "SF272", "SF273"}


def test_every_code_is_in_the_catalogue_and_in_use() -> None:
    assert USED == OURS | PACKS


def test_the_catalogue_is_sorted_within_our_block() -> None:
    assert sorted(OURS) == [code for code in CODES if code in OURS]
