"""Settings of Spark that lose, double or hide rows without an error, or lay keys open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sfctl.runtime.spark.pins import DELTA, PYSPARK

_DELTA_PACKAGE = re.compile(r"io\.delta:delta-spark[\w.]*:([\w.]+)")
_SCALA = PYSPARK.rpartition(".")[0]
ENCRYPTION = "spark.io.encryption.enabled"


@dataclass(frozen=True, slots=True)
class Danger:
    """A setting as found, what it does, and what to do instead; grave ones lose rows."""

    setting: str
    value: str
    harm: str
    remedy: str
    grave: bool
    code: str = "SF789"


def _on(value: str) -> bool:
    return value.strip().lower() == "true"


def _off(value: str) -> bool:
    return value.strip().lower() == "false"


def _given(value: str) -> bool:
    return bool(value.strip())


def _other_delta(value: str) -> bool:
    return any(found != DELTA for found in _DELTA_PACKAGE.findall(value))


def _delta(value: str) -> bool:
    return bool(_DELTA_PACKAGE.search(value)) and not _other_delta(value)


_KNOWN: tuple[tuple[str, Callable[[str], bool], str, str, bool], ...] = (
    (
        "spark.sql.files.ignoreMissingFiles",
        _on,
        "a version whose files were vacuumed reads as no rows",
        "set it to false",
        True,
    ),
    (
        "spark.sql.files.ignoreCorruptFiles",
        _on,
        "damaged files read as no rows",
        "set it to false",
        True,
    ),
    (
        "spark.databricks.delta.write.txnAppId",
        _given,
        "of two writes of a session to one table the second is skipped in silence",
        "give txnAppId and txnVersion to single writes, as options",
        True,
    ),
    (
        "spark.databricks.delta.write.txnVersion",
        _given,
        "of two writes of a session to one table the second is skipped in silence",
        "give txnAppId and txnVersion to single writes, as options",
        True,
    ),
    (
        "spark.databricks.delta.retentionDurationCheck.enabled",
        _off,
        "VACUUM may take files that a certified version needs",
        "set it to true, and vacuum with a retention of 7 days or more",
        False,
    ),
    (
        "spark.jars.packages",
        _other_delta,
        f"another Delta than {DELTA}, the one made for Spark {_SCALA}",
        "sfctl stack fetch spark, and give its line instead",
        True,
    ),
    (
        "spark.jars.packages",
        _delta,
        "Delta is resolved at each start, and what Maven left on a machine can break that",
        "sfctl stack fetch spark, and give its line instead",
        False,
    ),
    (
        "spark.remote",
        _given,
        "sessions are of Spark Connect, whose frames sf.write refuses",
        "start a classic session: spark.master instead",
        False,
    ),
)


def of(settings: Mapping[str, str]) -> Iterator[Danger]:
    """Yield what is dangerous among settings, the grave first."""
    for grave in (True, False):
        for name, bad, harm, remedy, weight in _KNOWN:
            if weight is grave and name in settings and bad(settings[name]):
                yield Danger(name, settings[name], harm, remedy, grave)


def of_keys(settings: Mapping[str, str]) -> Iterator[Danger]:
    """Yield what is dangerous where executors are given a key to tokenize with."""
    value = settings.get(ENCRYPTION, "false")
    if not _on(value):
        yield Danger(
            ENCRYPTION,
            value,
            "the key that columns are tokenized with travels with tasks, and Spark may spill it "
            "to local disks in the clear",
            "set it to true; on a cluster spark.authenticate and spark.network.crypto.enabled too",
            False,
            "SF790",
        )
