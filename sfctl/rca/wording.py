"""How causes, failures and times are put into words; shared by statements, timeline and actions."""

from __future__ import annotations

from sfctl.rca.symptoms import Signature

_PHRASES = {
    "MISSING_FIELD": "`{field}` is missing",
    "NULL_VIOLATION": "`{field}` is null where it must not be",
    "TYPE_MISMATCH": "`{field}` has another type ({detail})",
    "SCHEMA_BREAK": "the type of `{field}` changed ({detail})",
    "UNKNOWN_ENUM": '`{field}` holds the new value "{detail}"',
    "INVALID_FORMAT": "`{field}` is not in its format",
    "RANGE_VIOLATION": "`{field}` is out of range",
    "UNIQUENESS_VIOLATION": "`{field}` is not unique",
    "FK_VIOLATION": "`{field}` refers to nothing",
    "NULL_RATE_BREACH": "too many values of `{field}` are null",
    "INVARIANT_VIOLATION": "rule `{field}` is violated",
    "PII_DETECTED": "`{field}` holds personal data ({detail})",
    "EVAL_ERROR": "rule `{field}` cannot be evaluated",
    "JOB_ERROR": "the job failed with {field}",
    "NULL_REF": "the job met a null reference in {field}",
}


def phrase(signature: Signature, renamed: str = "") -> str:
    """Return what is wrong as a clause; `renamed` is the new name, where a rename is possible."""
    text = _PHRASES.get(signature.reason, "{text}").format(
        field=signature.field, detail=signature.detail, text=signature.text
    )
    return f"{text}, possibly renamed to `{renamed}`" if renamed else text


def moment(at: str) -> str:
    """Return a time as it is read: without the day's `T` and the zone's letter."""
    return at.replace("T", " ").removesuffix("Z").removesuffix(".000") if at else "unknown"


def span_of_time(seconds: float) -> str:
    """Return a length of time in words: `17 seconds`, `11 h 25 min`, `3 days`."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole} second{'s' if whole != 1 else ''}"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} hours"
    return f"{minutes // 1440} days"


def name_of(id: str) -> str:
    """Return an id as people say it: what stands behind the last part that every such id has."""
    for prefix in ("urn:service:", "urn:job:", "urn:run:", "urn:team:", "urn:dagrun:", "urn:dp:"):
        if id.startswith(prefix):
            return id.removeprefix(prefix)
    if id.startswith("urn:deployment:"):
        return id.removeprefix("urn:deployment:").replace(":", " ", 1)
    return id


def percent(part: float) -> str:
    """Return a share in per cent; one figure after the point, two below one per cent."""
    digits = 2 if part * 100 < 1 and part > 0 else 1
    return f"{part * 100:.{digits}f} %"


def listed(names: tuple[str, ...] | list[str], most: int = 3) -> str:
    """Return `a, b, c and 4 more`."""
    shown = list(names[:most])
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
