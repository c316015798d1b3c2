"""Wrapper templates rendered: each value leaves through a filter that quotes it for its place.

Delimiters are `[[ ]]` and `[% %]`, because the braces belong to Airflow and to the shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

DATE = "{date}"
"""Stands for the logical date in a job's arguments."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a wrapper's text. Raises ValueError where a value cannot stand in its place."""
    environment = SandboxedEnvironment(
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    environment.filters |= {
        "sh": shell, "py": ascii, "line": line, "variable": variable, "dated": dated,
    }  # fmt: skip
    return environment.from_string(template).render(**values)


def shell(value: object) -> str:
    """Return a value as one word of a POSIX shell. Raises ValueError for a NUL."""
    text = str(value)
    if "\0" in text:
        raise ValueError("a NUL cannot stand in a command")
    return shlex.quote(text)


def dated(value: object) -> str:
    """Return an argument as one word of a shell, with `$date` where `{date}` stands."""
    parts = [shell(part) if part else "" for part in str(value).split(DATE)]
    return '"$date"'.join(parts) or "''"


def line(value: object) -> str:
    """Return a value for a comment: one line, nothing unprintable."""
    return "".join(each if each.isprintable() else "?" for each in str(value))


def variable(value: object) -> str:
    """Return the name of an environment variable. Raises ValueError for what is none."""
    if not _VARIABLE.fullmatch(str(value)):
        raise ValueError(f"{value!r} is no name of an environment variable")
    return str(value)
