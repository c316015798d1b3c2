"""Codes 3xx: publishing and enforcement."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF301": Code(
        "Publish blocked",
        "The batch is over the limit (too many bad rows, a failed batch rule or schema) and the "
        "dataset's level blocks it: nothing was published, the whole batch waits in quarantine.",
        "See `sfctl quarantine show`; mend the source and run again, or replay what is right.",
    ),
    "SF310": Code(
        "No such table format",
        "Publishing needs a table with versions: delta, or parquet as local snapshots.",
        "Set `storage.format` of the dataset to delta (or parquet on a local folder).",
    ),
    "SF311": Code(
        "Write mode impossible",
        "The mode needs something the dataset or its format does not have: merge a primary key.",
        "Set `primary_key` in dataset.yaml, or choose append, overwrite, overwrite_partitions.",
    ),
    "SF312": Code(
        "Partition contradicts the rows",
        "`partition=` names one value, the column holds others.",
        "Write one partition at a time, or leave `partition=` out.",
    ),
    "SF313": Code(
        "Stage is not stored",
        "The dataset's `storage:` names no place for the stage that was to be written.",
        "Write a stage that it stores, or add the stage to `storage:` and compile.",
    ),
    "SF314": Code(
        "Needs Spark's Delta writer",
        "The table asks more of its writers than a commit of files does (a merge, constraints, "
        "generated columns, column mapping, …), and the Spark session has no Delta.",
        "Give the session Delta's jars and settings; `sfctl doctor` prints the lines.",
    ),
    "SF315": Code(
        "Column name is sfctl's own",
        "A column is named `_sfctl_…`, in whatever case. Such columns carry what sfctl says of a "
        "row while it is divided, sealed and replayed: one of the job's would be lost among them.",
        "Rename the column before the write, and in the policy.",
    ),
    "SF320": Code(
        "Not a certified version",
        "The view moves only to versions that were certified.",
        "`sfctl certify` lists them; `--revalidate` judges the present table as a whole.",
    ),
    "SF321": Code(
        "Nothing certified yet",
        "No version of this dataset was ever certified, so there is nothing to read.",
        "Run the gold job, or `sfctl certify --init` on a table that exists already.",
    ),
    "SF322": Code(
        "Table does not pass",
        "`certify` judged the whole table as one batch and its policy says no; the view was not "
        "moved. A write is held against its own rows: under `unique` of scope `batch` and under "
        "`duplicate_rows` each write may pass, and the table, which holds them all, not.",
        "Read the reasons printed with it; mend or quarantine the rows, then certify again. Where "
        "keys may return with each batch, name in `fields` what tells batches apart.",
    ),
    "SF323": Code(
        "Table was replaced",
        "The table that the certified version is of was deleted, and another stands in its place.",
        "Run its gold job, or judge the table as it stands with `sfctl certify --revalidate`.",
    ),
    "SF331": Code(
        "Dataset is being published",
        "Another process publishes the same dataset; publishers take turns.",
        "Wait for it. The lock goes with its process, so nothing needs to be removed by hand.",
    ),
    "SF332": Code(
        "No lock",
        "The lock file below .sfctl/locks cannot be made.",
        "Check the folder's owner, mode and free space.",
    ),
    "SF333": Code(
        "Quarantine not writable",
        "Rows may not be published, and the place where they would wait cannot be written.",
        "Check the lake's folder `_quarantine`; nothing was published.",
    ),
    "SF334": Code(
        "Published long ago",
        "The table knows this write, but its log no longer holds the record of it.",
        "Nothing was written. Raise the `rerun` counter to write it again on purpose.",
    ),
    "SF335": Code(
        "Rows changed on their way",
        "What would be stored is not what was judged: another number of rows, or other values in a "
        "column whose type in the table is narrower. Nothing was published as judged: `sf.write` "
        "then stores what the job alone would have, which never certifies.",
        "Cast the column that is named: pandas and NumPy make float64 of every fraction, and a "
        'FLOAT column wants `.astype("float32")` before the write. Where none is named, run the '
        "job again, and report it with the plan of the frame where it happens again.",
    ),
    "SF340": Code(
        "No such rows in quarantine",
        "Nothing in the quarantine matches the request.",
        "`sfctl quarantine list` shows what is held, by dataset and run.",
    ),
    "SF341": Code(
        "Discard needs a reason",
        "Rows that are given up for good need a reason, which is kept.",
        "Add --reason.",
    ),
    "SF342": Code(
        "No such stage",
        "The dataset's storage does not name the stage that was asked for.",
        "Add the stage to `storage:` in dataset.yaml and compile, or name another stage.",
    ),
}
