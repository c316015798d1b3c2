"""How exact numbers are held in Spark: integers, decimals, and whole numbers of 38 digits.

A decimal stays Spark's own while its type proves that nothing can be rounded or overflow, which
is what the settings of a session disagree on. Beyond that it is its whole number in
DECIMAL(38,0): with no digits after the point, Spark's results have one meaning.
"""

from __future__ import annotations

from sfctl.model.types import DataType
from sfctl.runtime.representation import LIMIT
from sfctl.runtime.spark.sql import Term, cast, inner

DIGITS = 38
RANGES: dict[str, tuple[int, int]] = {
    "INT8": (-(2**7), 2**7 - 1), "INT16": (-(2**15), 2**15 - 1), "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1), "UINT8": (0, 2**8 - 1), "UINT16": (0, 2**16 - 1),
    "UINT32": (0, 2**32 - 1), "UINT64": (0, 2**64 - 1),
}  # fmt: skip
_DIGITS = {"INT8": 3, "INT16": 5, "INT32": 10, "INT64": 20}
_MOST_MULTIPLIED = 18
INT64 = DataType("INT64")
WIDE = DataType("DECIMAL", DIGITS, 0)


def number(whole: int, scale: int = 0, *, decimal: bool = False) -> str:
    """Return the literal `whole` × 10^-scale; one of decimals is typed by its own digits."""
    if scale <= 0:
        return f"{whole * 10**-scale}{'BD' if decimal else ''}"
    digits = str(abs(whole)).rjust(scale + 1, "0")
    return f"{'-' if whole < 0 else ''}{digits[:-scale]}.{digits[-scale:]}BD"


def shape(term: Term) -> tuple[int, int]:
    """Return the digits before and after the point that the type of the value has room for."""
    if term.constant is not None:
        return max(len(str(abs(term.constant))) - term.scale, 0), term.scale
    if term.dtype.kind == "DECIMAL":
        precision, scale = term.dtype.precision or DIGITS, term.dtype.scale or 0
        return precision - scale, scale
    return _DIGITS[term.dtype.kind], 0


def is_integer(term: Term) -> bool:
    """Tell whether the value is held as one of Spark's integers."""
    return term.dtype.kind in _DIGITS


def fits(low: int, high: int, kind: str = "INT64") -> bool:
    """Tell whether an integer type holds every number between two."""
    least, most = RANGES[kind]
    return least <= low and high <= most


def as_long(term: Term) -> str:
    """Return an integer of any width as BIGINT."""
    if term.constant is not None:
        return f"{term.constant}L"
    return term.value if term.dtype == INT64 else cast(term.value, "BIGINT")


def as_decimal(term: Term) -> str:
    """Return a number as a decimal of Spark's, by the digits of its own type."""
    if term.constant is not None and term.form == "own":
        return number(term.constant, term.scale, decimal=True)
    if is_integer(term):
        return cast(term.value, f"DECIMAL({_DIGITS[term.dtype.kind]},0)")
    return term.value


def as_wide(term: Term) -> str:
    """Return the whole number of a term as DECIMAL(38,0)."""
    if term.constant is not None:
        return cast(number(term.constant, decimal=True), "DECIMAL(38,0)")
    if term.form == "unscaled" or term.dtype == WIDE:
        return term.value
    before, scale = shape(term)
    if not scale:
        return cast(term.value, "DECIMAL(38,0)")
    unit = number(10**scale, decimal=True)
    value = inner(term.value)
    if before + 2 * scale + 2 <= DIGITS:
        return cast(f"{value} * {unit}", "DECIMAL(38,0)")
    if scale > _MOST_MULTIPLIED:
        # no product of Spark's has room for the digits; this text is the same in every session
        digits = f"translate(format_number({term.value}, {scale}), ',.', '')"
        return f"try_cast({digits} AS DECIMAL(38,0))"
    # apart from each other, the digits before and after the point are multiplied without rounding
    whole = f"if({value} < 0, ceil({term.value}), floor({term.value}))"
    rest = cast(f"{value} % 1BD", f"DECIMAL({scale},{scale})")
    return (
        f"({cast(whole, 'DECIMAL(38,0)')} * {unit} + {cast(f'{rest} * {unit}', 'DECIMAL(38,0)')})"
    )


def as_long_whole(term: Term) -> str:
    """Return the whole number of a term as BIGINT, which must be proven to hold it."""
    if is_integer(term) or term.constant is not None:
        return as_long(term)
    if term.form == "unscaled" or not term.scale:
        return cast(term.value, "BIGINT")
    return cast(f"{inner(term.value)} * {number(10**term.scale, decimal=True)}", "BIGINT")


def wide(value: str, scale: int, low: int, high: int, error: str | None) -> Term:
    """Return a whole number in DECIMAL(38,0) as a term."""
    return Term(
        value, "exact", WIDE, error, scale, max(low, -LIMIT), min(high, LIMIT),
        form="unscaled" if scale else "own",
    )  # fmt: skip
