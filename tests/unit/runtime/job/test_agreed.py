"""Whose word counts for a schema: what was registered since, or what was signed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.model.policy import ColumnSpec, Policy, SchemaPolicy
from sfctl.model.schema import Column, Schema
from sfctl.model.types import DataType
from sfctl.registry.cached import Known
from sfctl.registry.port import Registered
from sfctl.runtime.core.standard import Standard
from sfctl.runtime.job.agreed import Agreed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIGNED = (ColumnSpec("id", DataType("INT64"), nullable=False),)
SAME = Schema((Column("id", DataType("INT64"), nullable=False),))
WIDER = Schema((*SAME.columns, Column("note", DataType("STRING"), nullable=True)))


def standard(folder: Path, registered: Schema, *, signed_only: bool, baseline: bool) -> Standard:
    found = Registered(
        "urn:dp:shop:orders", 2, "2026-11-21T11:00:00Z", "somebody",
        registered.fingerprint(), registered.shape(), registered.as_json(),
    )  # fmt: skip
    schema = SchemaPolicy(baseline=SIGNED if baseline else None)
    agreed = Agreed(
        found.subject,
        "gold",
        Policy(found.subject, "orders", schema=schema),
        store=folder,
        format="delta",
        now=NOW,
        latest=lambda _subject, _now: Known("2026-11-21T12:00:00Z", registered=found),
        signed_only=signed_only,
    )
    return agreed.standard


@pytest.mark.parametrize(
    ("registered", "signed_only", "baseline", "unapproved"),
    [
        (WIDER, False, True, 0),
        (WIDER, True, True, 2),
        (SAME, True, True, 0),
        (WIDER, True, False, 0),
    ],
    ids=["not-prod", "prod-and-not-signed", "prod-and-the-same", "prod-and-nothing-signed"],
)
def test_on_prod_nobody_moves_an_approved_schema_by_registering_another(
    registered: Schema, signed_only: bool, baseline: bool, unapproved: int, tmp_path: Path
) -> None:
    found = standard(tmp_path, registered, signed_only=signed_only, baseline=baseline)
    assert found.unapproved == unapproved
    assert (found.schema is None) == bool(unapproved)
