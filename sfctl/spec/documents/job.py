"""The shape of a job file: what runs, when, what it reads and writes."""

from __future__ import annotations

from sfctl.spec.documents.dataset import NAMES, SCHEDULE
from sfctl.spec.shape import Either, Fields, MapOf, Seq, may, need
from sfctl.spec.values import Boolean, Duration, Enum, Label, Literal, Text, count, one_or_more

RUNTIMES = ("python", "spark", "dask")
LEVELS = ("observe", "post-commit", "in-job")
MODES = ("append", "overwrite", "overwrite_partitions", "merge")
_DATASET = Text("a dataset: its folder's name or its URN")
_STAGE = may(Enum("bronze", "silver", "gold"), "Which medallion stage.")
_INPUT = Either(
    "a dataset, or a mapping with `dataset`",
    scalar=_DATASET,
    mapping=Fields(
        "an input",
        {
            "dataset": need(_DATASET, "What is read."),
            "stage": _STAGE,
            "certified": may(Boolean(), "The job reads the certified version."),
        },
    ),
)
_OUTPUT = Either(
    "a dataset, or a mapping with `dataset`",
    scalar=_DATASET,
    mapping=Fields(
        "an output",
        {
            "dataset": need(_DATASET, "What is written."),
            "stage": _STAGE,
            "mode": may(Enum(*MODES), "How it is written."),
        },
    ),
)
_ENV = MapOf(Literal(), "a mapping from variable to value")
_FILES = one_or_more(Text("a path or a URL"), "a path, or a list of paths")
SPARK = Fields(
    "`spark`",
    {
        "master": may(Text("a master such as local[2] or yarn"), "Where Spark runs."),
        "deploy_mode": may(Enum("client", "cluster"), "Where the driver runs."),
        "delta": may(
            Boolean(), "Bring Delta: the jars of `sfctl stack fetch spark`, and its settings."
        ),
        "conf": may(MapOf(Literal(), "a mapping from property to value"), "Spark's properties."),
        "properties_file": may(Text("a path"), "A file of properties."),
        "py_files": may(_FILES, "Python code beside the script."),
        "jars": may(_FILES, "Jars beside Spark's own."),
        "files": may(_FILES, "Files in the working folder of each executor."),
        "options": may(Seq(Literal(), what="a list of words"), "Further words of spark-submit."),
    },
)

JOB = Fields(
    "a job",
    {
        "name": may(Text("the name of the job"), "The file's name unless given."),
        "description": may(Text(), "What it does, for people."),
        "owner": need(Label("the name of a team"), "Who is told when it fails."),
        "runtime": may(Enum(*RUNTIMES), "What runs it; python unless given."),
        "entrypoint": need(
            Label("a script such as jobs/daily.py, or module:function"), "What is started."
        ),
        "args": may(Seq(Literal(), what="a list of arguments"), "Passed to the entry point."),
        "env": may(_ENV, "Environment variables of the job."),
        "spark": may(SPARK, "Options of spark-submit, for `runtime: spark`."),
        "level": may(Enum(*LEVELS), "How deep sfctl stands in the job; post-commit unless given."),
        "inputs": may(Seq(_INPUT, what="a list of datasets"), "What it reads."),
        "outputs": may(Seq(_OUTPUT, what="a list of datasets"), "What it writes."),
        "schedule": may(SCHEDULE, "When it runs."),
        "calendar": may(Text("the name of a calendar"), "Days on which it does not run."),
        "retries": may(count(), "Attempts after the first; 0 unless given."),
        "expected_duration": may(Duration(), "Slow is longer than this."),
        "timeout": may(Duration(), "The job is stopped after this."),
        "tags": may(NAMES, "Labels for selection."),
    },
)
