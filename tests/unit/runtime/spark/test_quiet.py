"""What pyspark says of pandas 3 is not said where we are the cause, and where others are it is."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

from sfctl.runtime.spark import quiet

pytest.importorskip("pyspark")


def test_what_is_loaded_on_the_way_is_loaded_in_silence() -> None:
    load = "import pyspark.testing.utils"
    ours = "from sfctl.runtime.spark import quiet; quiet.constants(); quiet.constants()"
    for code, fails in ((load, True), (f"{ours}; {load}", False)):
        done = subprocess.run(
            [sys.executable, "-W", "always::FutureWarning", "-c", code],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ("fully support pandas" in done.stderr) is fails, done.stderr


def say(words: str) -> None:
    warnings.warn(words, FutureWarning, stacklevel=2)


def test_no_other_warning_is_silenced_and_none_afterwards() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with quiet.about_pandas():
            say("PySpark does not yet fully support pandas >= 3.0.0")
            say("something else")
        say("PySpark does not yet fully support pandas >= 3.0.0")
    assert [str(each.message)[:9] for each in heard] == ["something", "PySpark d"]
