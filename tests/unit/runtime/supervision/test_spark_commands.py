"""Commands of Spark are told from others, and get a marker without a word changed."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.errors import UsageError
from sfctl.model.manifest import JobEntry
from sfctl.runtime.spark import jars, pins
from sfctl.runtime.supervision import spark


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["spark-submit", "x.py"], True),
        (["/opt/spark/bin/spark-submit", "x.py"], True),
        (["spark-sql", "-f", "x.sql"], True),
        (["python", "spark-submit"], False),
        (["/opt/spark-submit/run.sh"], False),
        ([], False),
    ],
)
def test_spark_submit_is_known_by_its_name(command: list[str], found: bool) -> None:
    assert spark.is_submit(command) is found


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (["x.py"], "client"),
        (["--deploy-mode", "cluster", "x.py"], "cluster"),
        (["--deploy-mode=cluster", "x.py"], "cluster"),
        (["--verbose", "--conf", "spark.submit.deployMode=cluster", "x.py"], "cluster"),
        (["x.py", "--deploy-mode", "cluster"], "client"),
        (["--name", "--deploy-mode", "x.py"], "client"),
    ],
)
def test_only_words_before_the_job_are_options(words: list[str], mode: str) -> None:
    assert spark.deploy_mode(["spark-submit", *words]) == mode


def test_a_marker_set_by_the_user_is_seen() -> None:
    own = f"{spark.METADATA}=theirs"
    assert spark.own_metadata(["spark-submit", "--conf", own, "x.py"])
    assert not spark.own_metadata(["spark-submit", "x.py", "--conf", own])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"{spark.METADATA} theirs", True),
        (f"  {spark.METADATA}=theirs", True),
        (f"# {spark.METADATA} theirs", False),
        (f"{spark.METADATA}s theirs", False),
    ],
)
def test_a_marker_in_a_properties_file_is_seen(line: str, found: bool, tmp_path: Path) -> None:
    (tmp_path / "own.properties").write_text(f"spark.ui.enabled false\n{line}\n")
    command = ["spark-submit", "--properties-file", "own.properties", "job.py"]
    assert spark.own_metadata(command, tmp_path) is found
    assert not spark.own_metadata(["spark-submit", "--properties-file", "gone", "job.py"], tmp_path)


@given(st.text(min_size=1))
def test_a_marker_is_one_word_that_names_its_run(run_id: str) -> None:
    marker = spark.marker(run_id.encode("utf-8", "replace").decode())
    assert not set(marker) & set(" \t\n\"'\\$`")
    assert spark.marked(marker) == run_id.encode("utf-8", "replace").decode()
    assert spark.marked(run_id if not run_id.startswith(spark.MARK) else "") == ""


def test_options_of_the_users_own_stand_behind_the_marker() -> None:
    environ = {spark.OPTIONS: "-Xss4m -Dspark.x='a b'"}
    first = spark.environment(environ, "run-1")[spark.OPTIONS]
    assert first == f"-D{spark.METADATA}=sfctl_run=run-1 -Xss4m -Dspark.x='a b'"
    nested = spark.environment({spark.OPTIONS: first}, "run-2")[spark.OPTIONS]
    assert nested == f"-D{spark.METADATA}=sfctl_run=run-2 -Xss4m -Dspark.x='a b'"


def job(**more: object) -> JobEntry:
    return JobEntry("daily", runtime="spark", entrypoint="jobs/daily.py", **more)  # type: ignore[arg-type]


def test_spark_submit_is_looked_for_where_spark_is(tmp_path: Path) -> None:
    home = tmp_path / "spark"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "spark-submit").write_text("")
    assert spark.submit(job(), {"SPARK_HOME": str(home)})[0] == str(home / "bin" / "spark-submit")
    assert spark.submit(job(), {"SPARK_SUBMIT": "/my own"})[0] == "/my own"
    with pytest.raises(UsageError, match="no spark-submit"):
        spark.submit(job(), {"SPARK_HOME": str(tmp_path), "PATH": ""})


def test_delta_is_put_before_the_jobs_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "found", lambda _: (Path("/j/a.jar"), Path("/j/b.jar")))
    words = spark.submit(
        job(delta=True, submit=("--jars", "own.jar", "--conf", "k=v")), {"SPARK_SUBMIT": "s"}
    )
    assert words[:4] == [
        "s", "--conf", "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension", "--conf",
    ]  # fmt: skip
    assert words[5:] == ["--jars", "own.jar,/j/a.jar,/j/b.jar", "--conf", "k=v", "jobs/daily.py"]


def test_jars_that_are_not_here_are_told_before_the_job_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jars are not here") as raised:
        spark.submit(job(delta=True), {"SPARK_SUBMIT": "s", "SFCTL_JARS": str(tmp_path)})
    assert raised.value.code == "SF764"


def test_altered_jars_are_not_called_missing(tmp_path: Path) -> None:
    folder = tmp_path / jars.FOLDER
    folder.mkdir()
    (folder / pins.JARS[0].name).write_bytes(b"altered")
    with pytest.raises(UsageError, match="are not those pinned") as raised:
        spark.submit(job(delta=True), {"SPARK_SUBMIT": "s", "SFCTL_JARS": str(tmp_path)})
    assert str(folder) in str(raised.value)
    assert "doctor" in raised.value.hint


def test_a_hint_reaches_whoever_sees_the_traceback() -> None:
    told = "".join(traceback.format_exception(UsageError("no", hint="do this", code="SF764")))
    assert told.endswith("hint: do this (sfctl explain SF764)\n")


def test_python_is_named_only_where_nobody_says_and_path_means_another(tmp_path: Path) -> None:
    other = tmp_path / "python3"
    other.write_text("")
    other.chmod(0o755)
    elsewhere = {"PATH": str(tmp_path)}
    local, yarn = ["spark-submit", "x.py"], ["spark-submit", "--master", "yarn", "x.py"]
    assert spark.interpreter(local, elsewhere) == {"PYSPARK_PYTHON": sys.executable}
    assert spark.interpreter(yarn, elsewhere) == {"PYSPARK_DRIVER_PYTHON": sys.executable}
    assert spark.interpreter([*yarn[:3], "--deploy-mode", "cluster", "x.py"], elsewhere) == {}
    assert spark.interpreter(local, {**elsewhere, "PYSPARK_PYTHON": "mine"}) == {}
    said = ["spark-submit", "--conf", "spark.pyspark.python=mine", "x.py"]
    assert spark.interpreter(said, elsewhere) == {}
    assert spark.interpreter(local, {"PATH": str(Path(sys.executable).parent)}) == {}
