"""What pyspark says of pandas 3 is not said where we are the cause, and where others are it is."""

from __future__ import annotations

import warnings

import pytest

from sfctl.runtime.spark import quiet


def say(words: str) -> None:
    warnings.warn(words, FutureWarning, stacklevel=2)


def test_the_words_are_those_of_pyspark() -> None:
    utils = pytest.importorskip("pyspark.sql.pandas.utils")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FutureWarning, match="fully support pandas"):
            utils.require_minimum_pandas_version()
        with quiet.about_pandas():
            utils.require_minimum_pandas_version()


def test_no_other_warning_is_silenced_and_none_afterwards() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with quiet.about_pandas():
            say("PySpark does not yet fully support pandas >= 3.0.0")
            say("something else")
        say("PySpark does not yet fully support pandas >= 3.0.0")
    assert [str(each.message)[:9] for each in heard] == ["something", "PySpark d"]
