"""The jars of the pinned pair: where they are looked for, and what counts as them."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from sfctl.runtime.spark import jars, java, pins
from tests.unit.runtime.spark import jar_rig

ROOT = Path(__file__).parents[4]


def test_the_pins_are_those_of_pip() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = extras["optional-dependencies"]["spark"]
    assert {f"pyspark=={pins.PYSPARK}", f"delta-spark=={pins.DELTA}"} <= set(wanted)
    constraints = (ROOT / "constraints.txt").read_text().splitlines()
    assert {f"pyspark=={pins.PYSPARK}", f"delta-spark=={pins.DELTA}"} <= set(constraints)
    scala = ".".join(pins.PYSPARK.split(".")[:2])
    assert pins.JARS[0].artifact.startswith(f"delta-spark_{scala}_")
    assert len({jar.name for jar in pins.JARS}) == len(pins.JARS)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in pins.JARS)


def test_jars_are_looked_for_where_the_variable_says_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = jar_rig.pin(monkeypatch)
    environ = {jars.VARIABLE: str(tmp_path)}
    assert jars.found(environ) == ()
    flat = tmp_path / first.name, tmp_path / second.name
    jar_rig.lay(first, flat[0])
    assert jars.here(environ).missing == (second,)
    jar_rig.lay(second, flat[1])
    assert jars.found(environ) == flat
    versioned = tmp_path / jars.FOLDER / first.name
    jar_rig.lay(first, versioned)
    assert jars.found(environ) == flat, "a folder that has all goes before one that has some"
    jar_rig.lay(second, versioned.with_name(second.name))
    assert jars.found(environ)[0] == versioned
    assert jars.setting(flat) == f"spark.jars={flat[0]},{flat[1]}"


def test_a_jar_that_was_altered_or_is_none_gives_no_session_any_jars(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = jar_rig.pin(monkeypatch)
    environ = {jars.VARIABLE: str(tmp_path)}
    for jar in (first, second):
        jar_rig.lay(jar, tmp_path / jar.name)
    content = bytearray((tmp_path / first.name).read_bytes())
    content[100] ^= 1
    (tmp_path / first.name).write_bytes(content)
    assert jars.found(environ) == ()
    assert jars.here(environ).altered == (first,)
    (tmp_path / first.name).unlink()
    os.mkfifo(tmp_path / first.name)
    assert jars.here(environ).missing == (first,)


def test_without_the_variable_the_environment_goes_before_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert list(jars.places(environ)) == [
        tmp_path / "env" / "jars" / jars.FOLDER,
        tmp_path / "cache" / "sfctl" / "jars" / jars.FOLDER,
    ]

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert len(list(jars.places({}))) == 1
    assert jars.here({}).missing == pins.JARS


def test_javas_are_asked_for_their_version(tmp_path: Path) -> None:
    def told(words: str, code: int = 0) -> int:
        program = tmp_path / "bin" / "java"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit {code}\n")
        program.chmod(0o755)
        assert java.program({"JAVA_HOME": str(tmp_path), "PATH": ""}) == str(program)
        return java.version(str(program))

    assert told('openjdk version "17.0.15" 2025-04-15') == 17
    assert told('openjdk version "21" 2023-09-19 LTS') == 21
    assert told('java version "1.8.0_392"') == 8
    assert told("No Java runtime present", 1) == 0
    assert java.program({"JAVA_HOME": str(tmp_path / "gone"), "PATH": str(tmp_path / "bin")}) == ""
    assert java.program({"PATH": str(tmp_path / "bin")}) == str(tmp_path / "bin" / "java")
    assert java.version("") == 0
