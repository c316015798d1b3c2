"""A result as JSON: stable order, exact numbers, nothing that is not JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sfctl.model import codec


def document(schema: str, payload: Mapping[str, Any]) -> str:
    """Return the payload as one JSON object whose first member names its schema.

    NaN and infinities, which JSON does not have, become null.
    """
    plain = codec.plain({"schema": schema, **payload})
    return json.dumps(_finite(plain), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_finite(child) for child in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
