"""`sfctl wrap`: what is written, that it runs, and that no name gets out of its quotes."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl import wiring
from sfctl.commands import wrap as verb
from sfctl.commands.compile import compile as compile_project
from sfctl.errors import UsageError
from sfctl.evidence.port import Query
from sfctl.model import schedule
from sfctl.model.manifest import JobEntry
from sfctl.runtime.supervision import spark
from sfctl.spec import wrapper

JOBS = {
    "daily": 'owner: a\nentrypoint: jobs/daily.py\nargs: ["--day={date}", "it\'s"]\n'
    'schedule: "05:00 ET weekdays"\nretries: 2\ntimeout: 1h\n',
    "big": "owner: a\nruntime: spark\nentrypoint: jobs/big job.py\n"
    "args: ['{date}', '$(touch pwned)']\nenv: {MODE: \"a'b\"}\n"
    "spark: {master: 'local[2]', conf: {spark.x: a b}}\n",
}
SCRIPT = """\
import os, sys
print("ran", sys.argv[1:], os.environ["SFCTL_JOB"], os.environ["SFCTL_LOGICAL_DATE"])
sys.exit(5 if "fail" in sys.argv else 0)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "my $shop's"
    (root / "jobs").mkdir(parents=True)
    (root / "sfctl.yml").write_text(
        "name: shop\ntargets: {default: dev, dev: {environment: dev, lake: ./lake}}\n"
    )
    for name, text in JOBS.items():
        (root / "jobs" / f"{name}.yaml").write_text(text)
    (root / "jobs" / "daily.py").write_text(SCRIPT)
    (root / "jobs" / "big job.py").write_text(SCRIPT)
    done = compile_project(project_dir=root, target=None, now=None)
    assert done.exit_code == 0, done.text
    return root


def started(*command: str, root: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    mine = str(Path(sys.executable).with_name("sfctl"))
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("SFCTL", "AIRFLOW"))}
    return subprocess.run(
        command,
        cwd=root.parent,
        env={**keep, "SFCTL": mine, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_each_job_gets_the_wrapper_of_its_runtime(root: Path) -> None:
    before = sorted(path for path in root.rglob("*") if "wrappers" not in path.parts)
    first = verb.wrap(project_dir=root)
    assert [(w["job"], w["for"], w["state"]) for w in first.payload["wrappers"]] == [
        ("big", "spark", "new"),
        ("daily", "python", "new"),
    ]
    assert first.text.splitlines()[-1] == "2 wrappers in place"
    again = verb.wrap(project_dir=root)
    assert {w["state"] for w in again.payload["wrappers"]} == {"same"}
    for each in first.payload["wrappers"]:
        path = root / each["path"]
        assert path.read_text() == each["body"]
        assert os.access(path, os.X_OK)
        assert subprocess.run(["sh", "-n", path], check=False).returncode == 0
    assert sorted(path for path in root.rglob("*") if "wrappers" not in path.parts) == before


def test_dry_run_writes_nothing(root: Path) -> None:
    outcome = verb.wrap("daily", kind="all", dry_run=True, project_dir=root)
    assert [w["path"] for w in outcome.payload["wrappers"]] == [
        "target/wrappers/daily.sh",
        "target/wrappers/daily_dag.py",
    ]
    assert "#!/bin/sh" in outcome.text
    assert not (root / "target" / "wrappers").exists()


def test_the_plain_wrapper_supervises_the_job(root: Path) -> None:
    verb.wrap("daily", project_dir=root)
    path = str(root / "target" / "wrappers" / "daily.sh")
    done = started(path, "--date", "2026-01-31", root=root)
    assert done.returncode == 0, done.stderr
    assert "ran ['--day=2026-01-31', \"it's\"] daily 2026-01-31" in done.stdout
    failed = started(path, "--date", "2026-01-31", "--", "fail", root=root)
    assert failed.returncode == 5
    with wiring.open_bus(root / ".sfctl") as bus:
        kinds = {found.event.kind for found in bus.query(Query())}
    assert {"JobRunStarted", "JobRunCompleted", "JobRunFailed"} <= kinds


def test_the_spark_wrapper_hands_every_word_on_as_it_is(root: Path, tmp_path: Path) -> None:
    (wrapper,) = verb.wrap("big", project_dir=root).payload["wrappers"]
    submit = tmp_path / "spark-submit"
    submit.write_text('#!/bin/sh\nprintf "%s|" "$@" "MODE=$MODE" "job=$SFCTL_JOB"\nexit 4\n')
    submit.chmod(0o755)
    path = str(root / wrapper["path"])
    more = ("--date", "2026-01-31", "--", "more args")
    done = started(path, *more, root=root, SPARK_SUBMIT=str(submit))
    assert done.returncode == 4, done.stderr
    given = "--master|local[2]|--conf|spark.x=a b|jobs/big job.py|2026-01-31|$(touch pwned)|"
    assert done.stdout == f"{given}more args|MODE=a'b|job=big|"
    undated = started(path, root=root, SPARK_SUBMIT=str(submit))
    assert undated.returncode == 2
    assert "takes {date}" in undated.stderr
    assert not list(tmp_path.rglob("pwned"))


def test_removing_the_spark_wrapper_is_to_start_what_it_names(root: Path, tmp_path: Path) -> None:
    (wrapper,) = verb.wrap("big", project_dir=root).payload["wrappers"]
    submit = tmp_path / "spark-submit"
    submit.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    submit.chmod(0o755)
    with_us = started(
        str(root / wrapper["path"]), "--date", "0001-01-01", root=root,
        SPARK_SUBMIT=str(submit),
    )  # fmt: skip
    line = wrapper["before"].replace("DATE", "0001-01-01")
    path = f"{submit.parent}{os.pathsep}{os.environ['PATH']}"
    without = started("sh", "-c", line, root=root, PATH=path)
    assert wrapper["before"] in wrapper["body"]
    assert without.stdout == with_us.stdout


@pytest.mark.parametrize("own", [(), ("--jars", "own.jar", "--master", "local[2]")])
def test_a_job_on_delta_is_named_with_all_that_we_give_it(
    own: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark.jars, "found", lambda _: (Path("JARS"),))
    job = JobEntry("d", runtime="spark", entrypoint="j.py", submit=own, delta=True)
    plain = JobEntry("d", runtime="spark", entrypoint="j.py", submit=own)
    made = verb._wrapper(job, "spark")
    assert shlex.split(made.before)[1:] == spark.submit(job, {"SPARK_SUBMIT": "s"})[1:]
    assert "# JARS are the paths" in made.body
    assert "JARS" not in verb._wrapper(plain, "spark").body


AIRFLOW = """\
class DAG:
    def __init__(self, **given):
        DAGS.append(given)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
DAGS = []
"""


def test_the_dag_is_python_that_starts_the_job(root: Path, tmp_path: Path) -> None:
    verb.wrap("daily", kind="airflow", project_dir=root)
    path = root / "target" / "wrappers" / "daily_dag.py"
    tree = ast.parse(path.read_text())
    compile(tree, str(path), "exec")
    calls = {ast.unparse(n.func): n for n in ast.walk(tree) if isinstance(n, ast.Call)}
    dag = {k.arg: ast.unparse(k.value) for k in calls["DAG"].keywords}
    task = {k.arg: ast.unparse(k.value) for k in calls["BashOperator"].keywords}
    assert ast.literal_eval(dag["dag_id"]) == "daily"
    assert (
        "CronTriggerTimetable('0 5 * * 1,2,3,4,5', timezone='America/New_York')"
        in (dag["schedule"])
    )
    assert ast.literal_eval(task["bash_command"]) == (
        "exec sfctl run daily --date \"{{ logical_date.in_timezone('America/New_York') | ds }}\""
    )
    assert (task["retries"], task["execution_timeout"]) == ("2", "timedelta(seconds=3600)")
    assert task["append_env"] == "True"


def test_the_dag_loads_where_airflow_is(root: Path, tmp_path: Path) -> None:
    """Airflow's names are few; a stand-in of their shapes shows that the file executes."""
    verb.wrap(kind="airflow", project_dir=root)
    package = tmp_path / "site" / "airflow"
    for module in ("operators", "timetables"):
        (package / module).mkdir(parents=True)
        (package / module / "__init__.py").touch()
    (package / "__init__.py").write_text(AIRFLOW)
    (package / "operators" / "bash.py").write_text(
        "from airflow import DAGS\ndef BashOperator(**given): DAGS.append(given)\n"
    )
    (package / "timetables" / "trigger.py").write_text(
        "def CronTriggerTimetable(cron, *, timezone): return cron, timezone\n"
    )
    code = textwrap.dedent("""\
        import runpy, sys
        sys.path.insert(0, sys.argv[1])
        import airflow
        for path in sys.argv[2:]:
            runpy.run_path(path)
        for each in airflow.DAGS:
            print(each.get("dag_id"), each.get("cwd"), each.get("bash_command"))
        """)
    dags = [str(root / "target" / "wrappers" / f"{name}_dag.py") for name in ("big", "daily")]
    done = started(sys.executable, "-c", code, str(package.parent), *dags, root=root)
    assert done.returncode == 0, done.stderr
    assert f"None {root.resolve()} exec sfctl run daily" in done.stdout
    assert f"None {root.resolve()} exec sfctl run big --date" in done.stdout


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "docker"}, "SF871"),
        ({"job": "daily", "kind": "spark"}, "SF871"),
        ({"job": "big", "kind": "python"}, "SF871"),
        ({"job": "dayly"}, "SF756"),
    ],
)
def test_what_does_not_fit_is_refused(root: Path, asked: dict[str, str], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        verb.wrap(project_dir=root, **asked)
    assert caught.value.code == code
    assert not (root / "target" / "wrappers").exists()


@pytest.mark.parametrize("name", ["../../evil", "a b", "x;rm -rf ~", "$(id)", "-rf", "a\nb"])
def test_a_name_that_is_no_file_name_is_refused(root: Path, name: str) -> None:
    quoted = name.replace("\n", "\\n")
    (root / "jobs" / "evil.yaml").write_text(
        f'name: "{quoted}"\nowner: a\nentrypoint: jobs/daily.py\n'
    )
    assert compile_project(project_dir=root, target=None, now=None).exit_code == 0
    with pytest.raises(UsageError) as caught:
        verb.wrap(project_dir=root)
    assert caught.value.code == "SF870"
    assert not (root / "target" / "wrappers").exists()


def test_a_file_of_somebody_else_stays(root: Path) -> None:
    path = root / "target" / "wrappers" / "daily.sh"
    path.parent.mkdir()
    path.write_text("echo mine\n")
    with pytest.raises(UsageError) as caught:
        verb.wrap(project_dir=root)
    assert caught.value.code == "SF872"
    assert path.read_text() == "echo mine\n"
    assert [each.name for each in path.parent.iterdir()] == ["daily.sh"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30))
def test_python_reads_back_what_was_meant(value: str) -> None:
    assert ast.literal_eval(wrapper.render("[[ x | py ]]", {"x": value})) == value
    assert "\n" not in wrapper.render("[[ x | line ]]", {"x": value})


@pytest.mark.parametrize(
    "value", ["", "a b", "it's", "$(id)", "`id`", "\n", '"; id; "', "{date}", "a{date}'b{date}"]
)
def test_a_shell_reads_back_what_was_meant(value: str) -> None:
    script = wrapper.render("date=today; printf %s [[ x | dated ]]", {"x": value})
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == value.replace("{date}", "today")


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("05:00 ET daily", "0 5 * * *"),
        ("18:30 Europe/Berlin Mon,Sun", "30 18 * * 0,1"),
        ("*/20 6-8 1 * *", "0,20,40 6,7,8 1 * *"),
        ("@weekly", "0 0 * * 0"),
    ],
)
def test_a_schedule_as_cron_means_the_same(text: str, cron: str) -> None:
    due = schedule.parse(text)
    assert verb._cron(due) == cron
    same = schedule.parse(f"{cron} {due.zone}")
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    assert same.between(moment, moment.replace(month=5), 200) == due.between(
        moment, moment.replace(month=5), 200
    )


def test_a_variable_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no name"):
        wrapper.render("[[ x | variable ]]", {"x": "A;id"})
