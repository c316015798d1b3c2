"""Keep values out of evidence: applied to every event when it is emitted and when it is accepted.

Where free text may stand is a closed list of field names; everything in such a field loses quoted
strings, runs of four digits and more, and whatever a detector hits. Every other text loses only
what a detector recognises beyond doubt. Stack traces stay structured: file, line, function.
Names and signatures lose what would act on a terminal or begin a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sfctl.evidence import detectors
from sfctl.model import codec, legible
from sfctl.model.evidence import Evidence

MESSAGE_FIELDS: frozenset[str] = frozenset(
    {
        "message",
        "error_message",
        "exception",
        "exception_message",
        "failure_message",
        "failure_reason",
        "description",
        "reason",
        "detail",
        "hint",
        "text",
        "note",
        "stderr",
        "stdout",
    }
)
"""Fields that may hold text written by people or programs: ADR-007's list."""
VALUE_FIELDS: frozenset[str] = frozenset({"actual", "value", "new_value", "old_value"})
"""Fields that hold a value of the data, kept only in the form a signature may show."""
ROW_FIELDS: frozenset[str] = frozenset({"source_record_id", "sample_record_id", "source_id"})
"""Fields that name a row: replaced by a hash."""
FRAMES_FIELDS: frozenset[str] = frozenset({"stack_trace", "stacktrace", "traceback", "frames"})
CODE_FIELDS: frozenset[str] = frozenset(
    {"reason_code", "reason_codes", "failure_signature", "signature", "signatures"}
)
"""Fields that hold signatures; in `signatures` the names are."""

MESSAGE_LIMIT = 1000
FRAME_LIMIT = 50

_CONTRACTED = r"(?:t|s|re|ve|ll|d|m)\b"
_QUOTED = re.compile(
    r'"(?:\\.?|[^"\\])*(?:"|\Z)'
    rf"|(?:(?<!\w)|(?!'{_CONTRACTED}))'(?:\\.?|[^'\\]|'(?=\w))*(?:'|\Z)"
    r"|`[^`]*(?:`|\Z)|“[^”]*(?:”|\Z)|‘[^’]*(?:’|\Z)|«[^»]*(?:»|\Z)",
    re.DOTALL,
)
_PART = r"[^\s/\\:;,'\"<>|()]"
_PATH = re.compile(
    r"(?:(?<![\w+.-])[A-Za-z][\w+.-]*+:/)?(?:~|\.{1,2}|[A-Za-z]:)?"
    rf"(?:[/\\]{_PART}+)+[/\\]?"
    rf"|(?<!{_PART}){_PART}++(?:[/\\]{_PART}+){{2,}}[/\\]?"
)
_DIGITS = re.compile(r"\d{4,}")
_SIMPLE_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_IDENTIFIER = re.compile(r"[\w.$<>]{1,120}")
_PYTHON_FRAME = re.compile(r'File "([^"\n]*)", line (\d+)(?:, in ([^\s]+))?')
_JAVA_FRAME = re.compile(r"\bat ([\w.$<>]+)\(([\w.$-]+)(?::(\d+))?\)")


def clean(event: Evidence, hash_row: Callable[[str], str] | None = None) -> Evidence:
    """Return the event without values. `hash_row` stands in for row ids; none drops them."""
    changed: dict[str, Any] = {}
    for name in _BLOCKS:
        if before := getattr(event, name):
            after = _walk(name, before, hash_row)
            if after != before:
                changed[name] = after
    for name in _TEXTS:
        if not (text := getattr(event, name)).isprintable():
            changed[name] = legible.one_line(text)
    for name in _NAMES:
        if "@" in getattr(event, name):
            changed[name] = detectors.replace(changed.get(name, getattr(event, name)), strict=True)
    return msgspec.structs.replace(event, **changed) if changed else event


_TEXTS = tuple(
    field.name for field in msgspec.structs.fields(Evidence) if field.type in (str, "str")
)
_BLOCKS = (
    "payload",
    "validation",
    "producer",
    "source",
    "otel",
    "lineage",
    "stream",
    "correlation_chain",
)
_NAMES = (
    "run_id",
    "job_urn",
    "dataset_urn",
    "dag_id",
    "dag_run_id",
    "task",
    "cluster",
    "code_ref",
    "deploy_ref",
    "payload_ref",
)
"""Identifiers, in which only an address can hide."""


def clean_message(text: str) -> str:
    """Return free text without quoted strings, long numbers, paths' folders, personal data."""
    text = text[: 4 * MESSAGE_LIMIT]
    text = detectors.replace(text, strict=False)
    for mark in '"`':
        if text.count(mark) % 2:  # which of them belong together cannot be told
            text = text[: text.index(mark)] + "<text>"
    text = _QUOTED.sub("<text>", text)
    text = _PATH.sub(_last_segment, text)
    return _DIGITS.sub("<n>", text)[:MESSAGE_LIMIT]


def clean_body(text: str) -> str:
    """Return the cleaned form of a whole document: JSON field by field, anything else as text."""
    try:
        document = codec.decode(text, object)
    except (msgspec.DecodeError, UnicodeError):
        return clean_message(text)
    return codec.encode(_walk("text", document, None)).decode()


def clean_code(code: str) -> str:
    """Return a signature whose value part is `*` where it could be somebody's."""
    code = legible.one_line(code)
    if detectors.replace(code, strict=True) == code:
        return code
    reason, _, rest = code.partition(":")
    field, _, value = rest.partition(":")
    if value and detectors.replace(f"{reason}:{field}", strict=True) == f"{reason}:{field}":
        return f"{reason}:{field}:*"
    return detectors.replace(code, strict=True)


def clean_frames(trace: object) -> list[dict[str, Any]]:
    """Return at most 50 frames as file (last path segment), line, function; source lines go."""
    if isinstance(trace, str):
        found = [
            {"file": file, "line": int(line), "function": function}
            for file, line, function in _PYTHON_FRAME.findall(trace)
        ] or [
            {"file": file, "line": int(line or 0), "function": function}
            for function, file, line in _JAVA_FRAME.findall(trace)
        ]
    elif isinstance(trace, list | tuple):
        found = []
        for item in trace:
            if isinstance(item, Mapping):
                found.append(dict(item))
            elif isinstance(item, str):
                found += clean_frames(item)
    else:
        found = []
    return [frame for frame in map(_clean_frame, found[-FRAME_LIMIT:]) if frame]


def _clean_frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if isinstance(file := frame.get("file"), str):
        name = re.split(r"[/\\]", file)[-1]
        kept["file"] = detectors.replace(name, strict=True)[:120]
    if isinstance(line := frame.get("line"), int):
        kept["line"] = line
    if isinstance(function := frame.get("function"), str) and _IDENTIFIER.fullmatch(function):
        kept["function"] = function
    return kept


def _walk(name: str, value: Any, hash_row: Callable[[str], str] | None) -> Any:
    if isinstance(value, str):
        return _clean_text(name, value, hash_row)
    if name in FRAMES_FIELDS:
        return clean_frames(value)
    if isinstance(value, Mapping):
        if name == "signatures":
            return _merge_codes(value)
        return {
            detectors.replace(legible.one_line(str(key)), strict=True): _walk(
                str(key), item, hash_row
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_walk(name, item, hash_row) for item in value]
    if name in ROW_FIELDS and value is not None:
        return _clean_text(name, str(value), hash_row)
    return value


def _clean_text(name: str, text: str, hash_row: Callable[[str], str] | None) -> Any:
    if name in MESSAGE_FIELDS:
        return clean_message(legible.lines(text))
    if name in ROW_FIELDS:
        return hash_row(text) if hash_row else "*"
    if name in FRAMES_FIELDS:
        return clean_frames(text)
    if name in CODE_FIELDS:
        return clean_code(text)
    if name in VALUE_FIELDS:
        simple = _SIMPLE_VALUE.fullmatch(text) and detectors.replace(text, strict=False) == text
        return text if simple else "*"
    return detectors.replace(legible.one_line(text), strict=True)


def _merge_codes(counts: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for code, count in counts.items():
        key = clean_code(str(code))
        known = merged.get(key, 0)
        merged[key] = known + count if isinstance(count, int) and known else count
    return merged


def _last_segment(match: re.Match[str]) -> str:
    return re.split(r"[/\\]", match[0].rstrip("/\\"))[-1]
