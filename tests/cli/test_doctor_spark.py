"""`sfctl doctor` on what Spark would start with: each fault with the line that mends it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sfctl.diagnosis import spark
from sfctl.diagnosis.finding import Examined
from sfctl.runtime.spark import configured, dangers, jars, pins
from sfctl.spec.project import load
from tests.unit.runtime.spark import jar_rig

Found = dict[str, Examined]


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine where all is well: Java 17, the pinned jars, this Python on executors."""
    _java(tmp_path, 'openjdk version "17.0.1"')
    for jar in jar_rig.pin(monkeypatch):
        jar_rig.lay(jar, tmp_path / "jars" / jars.FOLDER / jar.name)
    have = {"pyspark": pins.PYSPARK, "delta-spark": pins.DELTA}
    monkeypatch.setattr(spark, "_installed", have.__getitem__)
    home = _spark(tmp_path, pins.PYSPARK)
    return {
        "JAVA_HOME": str(tmp_path / "jre"),
        "SFCTL_JARS": str(tmp_path / "jars"),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        "PATH": str(tmp_path),
    }


def _java(tmp_path: Path, said: str) -> None:
    program = tmp_path / "jre" / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)


def _spark(tmp_path: Path, version: str) -> Path:
    home = tmp_path / f"spark-{version}"
    (home / "jars").mkdir(parents=True)
    (home / "conf").mkdir()
    (home / "jars" / f"spark-core_2.13-{version}.jar").touch()
    return home


def _examined(environ: dict[str, str]) -> Found:
    return {each.name: each for each in spark.examine(None, environ)}


def test_nothing_to_mend(environ: dict[str, str]) -> None:
    found = _examined(environ)
    assert list(found) == ["spark", "java", "delta jars", "python on executors"]
    assert {each.status for each in found.values()} == {"ok"}


def test_without_pyspark_only_a_project_with_a_job_on_spark_hears_of_it(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configured, "find_spec", lambda _: None)
    project = load(repo, offline=True)
    assert list(spark.examine(None, {})) == []
    assert list(spark.examine(project, {})) == []
    job = tmp_path / "shop" / "jobs" / "daily.yaml"
    job.parent.mkdir(parents=True)
    job.write_text("owner: shop\nruntime: spark\nentrypoint: jobs/daily.py\n")
    (job.parent / "daily.py").touch()
    (tmp_path / "shop" / "sfctl.yml").write_text((repo / "sfctl.yml").read_text())
    (found,) = spark.examine(load(tmp_path / "shop", offline=True), {})
    assert (found.status, found.code) == ("warn", "SF701")
    assert found.remedy == "pip install 'sfctl[spark]'"


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        ('openjdk version "11.0.2"', "warn", "version 11 in"),
        ('java version "1.8.0_392"', "warn", "version 8 in"),
        ('openjdk version "21.0.1"', "ok", "version 21 in"),
        ('openjdk version "24"', "warn", "newer than"),
        ("no runtime", "warn", "none; Spark needs 17"),
    ],
)
def test_javas(
    environ: dict[str, str], tmp_path: Path, said: str, status: str, detail: str
) -> None:
    _java(tmp_path, said)
    found = _examined(environ)["java"]
    assert found.status == status
    assert detail in found.detail
    assert found.code == ("" if status == "ok" else "SF786")


def test_a_java_home_without_java(environ: dict[str, str], tmp_path: Path) -> None:
    found = _examined({**environ, "JAVA_HOME": str(tmp_path / "gone")})["java"]
    assert found.detail == "JAVA_HOME names none; Spark needs 17"
    assert "openjdk-17-jre" in found.remedy


def test_halves_of_spark_that_differ(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _examined({**environ, "SPARK_HOME": str(_spark(tmp_path, "4.1.9"))})["spark"]
    assert (found.status, found.code) == ("fail", "SF785")
    assert found.detail == f"SPARK_HOME has Spark 4.1.9, Python has pyspark {pins.PYSPARK}"
    have = {"pyspark": "4.1.9", "delta-spark": pins.DELTA}
    monkeypatch.setattr(spark, "_installed", have.__getitem__)
    found = _examined({**environ, "SPARK_HOME": str(tmp_path / "spark-4.1.9")})["spark"]
    assert "Delta 4.4.0 is made for 4.2" in found.detail
    assert found.remedy == "pip install 'pyspark==4.2.0' 'delta-spark==4.4.0'"
    for delta, status in (("4.3.0", "fail"), ("", "warn")):
        have = {"pyspark": pins.PYSPARK, "delta-spark": delta}
        monkeypatch.setattr(spark, "_installed", have.__getitem__)
        assert _examined(environ)["spark"].status == status


def test_jars(environ: dict[str, str], tmp_path: Path) -> None:
    first = pins.JARS[0]
    kept = tmp_path / "jars" / jars.FOLDER / first.name
    kept.write_bytes(b"altered")
    found = _examined(environ)["delta jars"]
    assert (found.status, found.code) == ("fail", "SF783")
    assert found.remedy == f"sfctl stack fetch spark --to {tmp_path / 'jars'}"
    kept.unlink()
    found = _examined(environ)["delta jars"]
    assert (found.status, found.code) == ("warn", "SF787")
    assert found.detail == f"1 of 2 are missing in {kept.parent}"
    assert found.remedy == "sfctl stack fetch spark"


def test_jars_that_spark_has_by_itself(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delta = replace(pins.JARS[0], artifact="delta-spark_4.2_2.13", version=pins.DELTA)
    monkeypatch.setattr(pins, "JARS", (delta, pins.JARS[1]))
    away = {**environ, "SFCTL_JARS": str(tmp_path / "none")}
    assert _examined(away)["delta jars"].detail == "2 of 2 are missing"
    spark_jars = Path(environ["SPARK_HOME"]) / "jars"
    other = spark_jars / "delta-spark_4.1_2.13-4.2.0.jar"
    other.touch()
    found = _examined(away)["delta jars"]
    assert found.detail.endswith(f"another Delta; {pins.DELTA} is pinned")
    other.unlink()
    conf = Path(environ["SPARK_HOME"]) / "conf" / "spark-defaults.conf"
    conf.write_text("spark.jars file:/nowhere/delta-spark_4.2_2.13-4.4.0.jar\n")
    assert "is not there" in _examined(away)["delta jars"].detail
    (spark_jars / pins.JARS[0].name).touch()
    assert _examined(away)["delta jars"].status == "ok"


def test_pythons_of_executors(environ: dict[str, str], tmp_path: Path) -> None:
    base = sys._base_executable  # type: ignore[attr-defined]
    found = _examined({**environ, "PYSPARK_PYTHON": base})["python on executors"]
    assert (found.status, found.code) == ("warn", "SF788")
    assert found.remedy == f"export PYSPARK_PYTHON={sys.executable}"
    unset = {name: value for name, value in environ.items() if name != "PYSPARK_PYTHON"}
    assert _examined(unset)["python on executors"].detail == "python3 does not start"
    program = tmp_path / "python3"
    for printed, said in (
        ([[3, 8], "", []], "python3 is Python 3.8, the driver's is"),
        ([list(sys.version_info[:2]), "0.0.1", []], "has sfctl 0.0.1, the driver"),
        ("nonsense", "does not start"),
    ):
        program.write_text(f"#!/bin/sh\necho '{json.dumps(printed)}'\n")
        program.chmod(0o755)
        assert said in _examined(unset)["python on executors"].detail


def test_settings_that_lose_rows_are_found_wherever_they_stand(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text(
        "# spark.sql.files.ignoreCorruptFiles true\n"
        "spark.sql.files.ignoreMissingFiles   true\n"
        "spark.databricks.delta.retentionDurationCheck.enabled=false\n"
        "spark.jars.packages: io.delta:delta-spark_2.13:4.0.0,a:b:1\n"
    )
    submitted = (
        "--conf 'spark.databricks.delta.write.txnAppId=job' --remote=sc://host pyspark-shell"
    )
    told = [
        (each.status, each.detail.partition("=")[0])
        for each in spark.examine(
            None,
            {
                **environ,
                "SPARK_CONF_DIR": str(tmp_path / "conf"),
                "PYSPARK_SUBMIT_ARGS": submitted,
            },
        )
        if each.code == "SF789"
    ]
    assert told == [
        ("fail", "spark.sql.files.ignoreMissingFiles"),
        ("fail", "spark.databricks.delta.write.txnAppId"),
        ("fail", "spark.jars.packages"),
        ("warn", "spark.databricks.delta.retentionDurationCheck.enabled"),
        ("warn", "spark.remote"),
    ]


def test_settings_as_they_should_be_are_no_dangers() -> None:
    calm = {
        "spark.sql.files.ignoreMissingFiles": "false",
        "spark.databricks.delta.retentionDurationCheck.enabled": "true",
        "spark.jars.packages": "org.apache.hadoop:hadoop-aws:3.5.0",
        "spark.databricks.delta.write.txnAppId": "",
    }
    assert list(dangers.of(calm)) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", {}),
        (
            "--packages a:b:1 --conf k=v=w pyspark-shell",
            {"spark.jars.packages": "a:b:1", "k": "v=w"},
        ),
        ("-c a=1 --conf=b=2 --conf", {"a": "1", "b": "2", "": ""}),
        ("'unclosed", {}),
    ],
)
def test_words_of_a_submission(words: str, found: dict[str, str]) -> None:
    assert configured.settings({"PYSPARK_SUBMIT_ARGS": words, "SPARK_HOME": "/nowhere"}) == found


def test_the_settings_of_a_remote_come_from_the_variable_too() -> None:
    assert configured.settings({"SPARK_REMOTE": "sc://x", "SPARK_HOME": "/nowhere"}) == {
        "spark.remote": "sc://x"
    }


def test_settings_of_a_job_file_are_told_with_its_place(
    environ: dict[str, str], repo: Path, tmp_path: Path
) -> None:
    job = tmp_path / "shop" / "jobs" / "daily.yaml"
    job.parent.mkdir(parents=True)
    (job.parent / "daily.py").touch()
    (tmp_path / "shop" / "sfctl.yml").write_text((repo / "sfctl.yml").read_text())
    conf = "{spark.sql.files.ignoreMissingFiles: true, spark.sql.shuffle.partitions: 4}"
    job.write_text(
        f"owner: shop\nruntime: spark\nentrypoint: jobs/daily.py\nspark: {{conf: {conf}}}\n"
    )
    project = load(tmp_path / "shop", offline=True)
    assert not project.errors
    found = {each.name: each for each in spark.examine(project, environ)}
    danger = found["spark setting in jobs/daily.yaml"]
    assert (danger.status, danger.code) == ("fail", "SF789")
    away = {**environ, "SFCTL_JARS": str(tmp_path / "none"), "JAVA_HOME": str(tmp_path)}
    weight = {each.name: each.status for each in spark.examine(project, away)}
    assert (weight["java"], weight["delta jars"]) == ("fail", "fail"), "a job needs them"


def test_a_key_that_tasks_carry_is_a_danger_unless_spills_are_encrypted(
    environ: dict[str, str], repo: Path, tmp_path: Path
) -> None:
    root = tmp_path / "shop"
    (root / "datasets" / "orders").mkdir(parents=True)
    (root / "datasets/orders/dataset.yaml").write_text(
        "urn: ds://shop/orders\nowner_team: shop\ntier: TIER_2\nstorage: {gold: gold/orders}\n"
    )
    (root / "jobs").mkdir()
    (root / "jobs" / "daily.py").touch()
    (root / "sfctl.yml").write_text((repo / "sfctl.yml").read_text())
    (root / "spark.properties").write_text("spark.io.encryption.enabled true\n")
    policy = "schema: {{constraints: [{{field: id, type: STRING}}]}}\npii: {{detection: [{}]}}\n"

    def told(spark_block: str, action: str = "tokenize") -> list[tuple[str, str, str]]:
        detection = f"{{pattern: EMAIL, columns: [id], action: {action}}}"
        (root / "datasets/orders/policy_bundle.yaml").write_text(policy.format(detection))
        job = f"owner: shop\nruntime: spark\nentrypoint: jobs/daily.py\n{spark_block}"
        (root / "jobs" / "daily.yaml").write_text(job)
        project = load(root, offline=True)
        assert not project.errors
        found = spark.examine(project, environ)
        return [(e.name, e.status, e.detail) for e in found if e.code == "SF790"]

    ((name, status, detail),) = told("")
    assert (name, status) == ("spark setting in jobs/daily.yaml", "warn")
    assert detail.startswith("spark.io.encryption.enabled=false: the key")
    assert told("spark: {conf: {spark.io.encryption.enabled: false}}\n")
    assert told("", action="mask") == [], "takes no key"
    assert told("spark: {conf: {spark.io.encryption.enabled: true}}\n") == []
    assert told("spark: {properties_file: spark.properties}\n") == []
    conf = Path(environ["SPARK_HOME"]) / "conf" / "spark-defaults.conf"
    conf.write_text("spark.io.encryption.enabled true\n")
    assert told("") == []
