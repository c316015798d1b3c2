"""Codes 88x: personal data."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF880": Code(
        "No reason given",
        "A token stands for somebody's data: opening one is on the record, with who and why.",
        'Say why: `sfctl pii detokenize TOKEN --reason "ticket 4711"`.',
    ),
    "SF881": Code(
        "No token given",
        "There was nothing to open, neither on the command line nor on standard input.",
        "Name tokens (tok_…), or `-` and give them on standard input, one a line.",
    ),
    "SF882": Code(
        "Not on the record, so not opened",
        "The evidence that tokens were opened could not be written. The record comes first, so "
        "no value was shown.",
        "Make room or rights for .sfctl/outbox; `sfctl doctor` says what is wrong with it.",
    ),
    "SF883": Code(
        "Line without a text",
        "In a JSON Lines file of texts every line is an object with a text under `text`.",
        "Mend or remove the line; its content is not shown, for it may be personal.",
    ),
    "SF884": Code(
        "Keys not rotated",
        "The key file could not be read or written. It is replaced as a whole or not at all.",
        "Make room or rights for the folder of the key file, then rotate again.",
    ),
    "SF885": Code(
        "Keys kept elsewhere",
        "The PII keys come from a variable: whoever sets it, a vault or a scheduler, rotates them.",
        "Put what `sfctl pii keys --new` prints before the old key, with a comma between; keep the "
        "old one for as long as tokens of it are to be opened.",
    ),
    "SF886": Code(
        "No such classifier",
        "`--classifier` names no function that can be imported.",
        "Write module:function; the module lies below the folder you are in, or is installed.",
    ),
    "SF887": Code(
        "Classifier failed",
        "The classifier raised, or returned something else than places: for each text it was "
        "given, a list of (start, end, KIND) inside that text. Its message is not shown, for it "
        "may be personal.",
        "Try it on a few texts of your own in a Python shell.",
    ),
    "SF888": Code(
        "Executors without sfctl",
        "Personal data is acted on, and quarantined rows are sealed, where the rows are: on "
        "Spark's executors, whose Python could not import sfctl or what it needs, or has another "
        "version of it. No row was written in the clear.",
        "Give executors the driver's environment: pack it (`venv-pack -o env.tar.gz`), submit with "
        "`--archives env.tar.gz#env` and `--conf spark.pyspark.python=./env/bin/python`; on one "
        "machine set PYSPARK_PYTHON to the Python that has sfctl.",
    ),
}
