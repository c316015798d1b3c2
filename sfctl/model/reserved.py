"""Names of columns that rows may not come with: sfctl puts its own beside them."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "_sfctl_"
CODE = "SF315"
HINT = f"names that begin with {PREFIX} are sfctl's own: rename the column"


def reserved(names: Iterable[str]) -> str:
    """Return the first name that is sfctl's own, empty for none; Spark tells no case apart."""
    return next((name for name in names if name.casefold().startswith(PREFIX)), "")
