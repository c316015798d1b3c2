"""Why a rule has no outcome: by the data's fault, or by nobody's."""

from __future__ import annotations


class DataError(Exception):
    """The data do not allow a rule to be evaluated at all; `str()` says why."""


class Unjudged(Exception):
    """A rule has no outcome, and the data are not to blame; `str()` says why, without a value."""
