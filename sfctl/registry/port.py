"""The port of a schema registry, and what may be asked of any that implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from sfctl.errors import StoreError
from sfctl.model import schema as schemas
from sfctl.model.schema import Schema


class RegistryUnreachable(StoreError):
    """The registry does not answer, or what it keeps of a subject cannot be read."""

    code = "SF520"


class Registered(msgspec.Struct, frozen=True):
    """One version of a subject's schema. Versions count from 1 and are never changed.

    `columns` is `Schema.as_json`. `formats` maps each stage to the table format that it had.
    """

    subject: str
    version: int
    registered_at: str
    registered_by: str
    fingerprint: str
    shape: str
    columns: list[dict[str, object]]
    formats: dict[str, str] = {}

    def schema(self) -> Schema:
        """Return the columns. Raises ValueError or KeyError for nonsense."""
        return schemas.from_json(self.columns)


class SchemaRegistry(Protocol):
    """Subjects are canonical dataset URNs. Every method raises RegistryUnreachable."""

    def subjects(self) -> tuple[str, ...]:
        """Return the subjects with a version, in order of name."""

    def versions(self, subject: str) -> tuple[Registered, ...]:
        """Return every version, oldest first; none of a subject that is not registered."""

    def version(self, subject: str, number: int) -> Registered | None:
        """Return one version, None where there is no such version."""

    def latest(self, subject: str) -> Registered | None:
        """Return the newest version, None of a subject that is not registered."""

    def register(
        self, subject: str, schema: Schema, *, at: str, by: str, formats: Mapping[str, str]
    ) -> Registered:
        """Add a version and return it; the newest where it says the same already.

        Of several who register at once each gets a version of its own; of those who register
        the same one does, and all get that. Raises UsageError SF521 for a subject that the
        registry has no place for.
        """

    def close(self) -> None:
        """Let go of whatever is open."""


def drafted(
    subject: str, version: int, schema: Schema, *, at: str, by: str, formats: Mapping[str, str]
) -> Registered:
    """Return what a registry keeps of a schema."""
    return Registered(
        subject, version, at, by, schema.fingerprint(), schema.shape(), schema.as_json(),
        dict(formats),
    )  # fmt: skip
