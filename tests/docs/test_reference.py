"""What the documents say is what the code does: verbs, options, codes, links."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path
from typing import get_args

import pytest
from typer.models import ArgumentInfo, OptionInfo

import sfctl
from sfctl import errors
from sfctl.codes import CODES
from sfctl.commands.functions import functions_of, own_parameters
from sfctl.verbs import VERBS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(sfctl.__file__).parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
FUNCTIONS = [(f"{v} {n}", f) for v in VERBS for n, f in functions_of(v).items()]


def test_the_reference_pages_are_those_the_code_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    made = runpy.run_path(str(ROOT / "docs" / "reference" / "generate.py"))["pages"]()
    for name, text in made.items():
        assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == text, (
            "run python docs/reference/generate.py"
        )


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_every_verb_and_every_option_says_what_it_is_for(name: str, function: object) -> None:
    assert inspect.getdoc(function)
    assert callable(function)
    for parameter in own_parameters(function):
        meta = [
            m for m in get_args(parameter.annotation) if isinstance(m, OptionInfo | ArgumentInfo)
        ]
        assert meta, f"{name}: {parameter.name} is no option"
        assert meta[0].help, f"{name}: {parameter.name} has no help"


def test_every_code_that_is_printed_is_in_the_catalogue() -> None:
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "codes":
            used |= set(re.findall(r"\bSF\d{3}\b", path.read_text(encoding="utf-8")))
    assert used - set(CODES) == set()


def test_every_code_in_the_catalogue_is_used_and_explained() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "codes"
    )
    assert list(CODES) == sorted(CODES)
    for name, code in CODES.items():
        assert re.fullmatch(r"SF\d{3}", name)
        assert name in text, f"{name} is never printed"
        assert code.title
        assert code.meaning.endswith(".")
        assert code.remedy.endswith((".", ")")), name


def test_every_exception_of_ours_has_a_code() -> None:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.SfctlError):
            assert kind.code in CODES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not link.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_schema_of_a_result_belongs_to_a_verb() -> None:
    schemas = PACKAGE / "schemas" / "results"
    verbs = {path.name.partition(".")[0] for path in schemas.glob("*.schema.json")}
    assert verbs == {*VERBS, "error"}
