"""Streams that break: judged record by record, by the windows of five minutes."""

from __future__ import annotations

from bench.labelled.site import DAY, HOUR, MINUTE, NIGHT, SECOND, Site

BREAK = NIGHT + 7 * HOUR + 58 * MINUTE
SETTLED = BREAK + 10 * MINUTE
NO_CAUSE = "no cause on record"
"""The family of incidents that nothing on the log explains."""
Answer = tuple[str, str, str]
"""Kind and id of the cause, and what is asked about: a dataset means its incident, `=` itself."""


def _failure(site: Site) -> str:
    return f"MISSING_FIELD:{site.field}"


def _good(site: Site, producer: str, version: str) -> None:
    site.records(BREAK - 2 * MINUTE, 20, producer=producer, version=version)


def _bad(site: Site, producer: str, version: str, number: int = 40) -> None:
    site.records(BREAK, number, failure=_failure(site), producer=producer, version=version)


def versioned(site: Site, gap: int = 17, decoys: bool = True) -> Answer:
    """A new version stops sending a field, `gap` seconds after it went live."""
    site.configure()
    cause = site.deploy(site.service, "v3.17", BREAK - gap * SECOND, before="v3.16")
    if decoys:
        site.surround(BREAK)
    _good(site, site.service, "v3.16")
    _bad(site, site.service, "v3.17")
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def twin(site: Site) -> Answer:
    """A stranger goes live with a version of the same name, later and nearer to the failure."""
    site.configure()
    cause = site.deploy(site.service, "v3.17", BREAK - 90 * SECOND, before="v3.16")
    site.deploy("stranger-svc", "v3.17", BREAK - 2 * SECOND, before="v3.16", decoy=True)
    _good(site, site.service, "v3.16")
    _bad(site, site.service, "v3.17")
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def told_late(site: Site, versions: bool = True) -> Answer:
    """The pipeline tells of its deployment only after the incident was opened."""
    site.configure()
    site.surround(BREAK)
    _good(site, site.service, "v1" if versions else "")
    _bad(site, site.service, "v2" if versions else "")
    site.settle(SETTLED)
    cause = site.deploy(site.service, "v2", BREAK - 50 * SECOND, before="v1")
    site.settle(SETTLED + MINUTE)
    return "DEPLOYMENT", cause, site.chain[0]


def again(site: Site, versions: bool = True) -> Answer:
    """The same failure was there ten days ago, was mended, and comes back with a new version."""
    site.configure()
    said = {name: name if versions else "" for name in ("v1", "v2", "v3")}
    old = BREAK - 10 * DAY
    site.deploy(site.service, "v1", old - MINUTE, before="v0", decoy=True)
    site.records(old, 20, failure=_failure(site), producer=site.service, version=said["v1"])
    site.deploy(site.service, "v2", old + HOUR, before="v1", decoy=True)
    site.records(old + 2 * HOUR, 20, producer=site.service, version=said["v2"])
    site.settle(old + 3 * HOUR)
    cause = site.deploy(site.service, "v3", BREAK - 30 * SECOND, before="v2")
    site.surround(BREAK)
    _good(site, site.service, said["v2"])
    _bad(site, site.service, said["v3"])
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, f"={site.incident(site.chain[0], newest=True)}"


def canary(site: Site) -> Answer:
    """Old and new version run side by side: good and bad records interleave."""
    site.configure()
    cause = site.deploy(site.service, "v2", BREAK - 30 * SECOND, before="v1")
    site.surround(BREAK)
    _good(site, site.service, "v1")
    for minute in range(3):
        site.records(BREAK + minute * MINUTE, 20, producer=site.service, version="v1")
        site.records(
            BREAK + minute * MINUTE + 20 * SECOND, 15,
            failure=_failure(site), producer=site.service, version="v2",
        )  # fmt: skip
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def good_since(site: Site, hours: int, named: bool = True) -> Answer:
    """Hours of good records lie between the deployment and the failure, and name no version."""
    site.configure()
    site.deploy(site.service, "v9", BREAK - hours * HOUR, before="v8", decoy=True)
    who = site.service if named else ""
    for hour in range(hours - 1, 0, -1):
        site.records(BREAK - hour * HOUR, 5, producer=who)
    _good(site, who, "")
    _bad(site, who, "")
    site.settle(SETTLED)
    return "UNKNOWN", "", site.chain[0]


def versionless(site: Site, named: bool = True, decoys: bool = True) -> Answer:
    """The same where evidence names the producer without a version, or nobody at all."""
    site.configure()
    cause = site.deploy(site.service, "v8", BREAK - 40 * SECOND, before="v7")
    if decoys:
        site.surround(BREAK)
    who = site.service if named else ""
    _good(site, who, "")
    _bad(site, who, "")
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def rollback(site: Site, versions: bool = True, earlier: bool = False) -> Answer:
    """A roll-back to a lower version takes away a field that is needed by now."""
    site.configure()
    if earlier:
        site.deploy(site.service, "v2.0", BREAK - 9 * DAY, before="v1.9")
    site.deploy(site.service, "v2.1", BREAK - 2 * DAY, before="v2.0", decoy=True)
    cause = site.deploy(site.service, "v2.0", BREAK - 20 * SECOND, before="v2.1")
    site.surround(BREAK)
    _good(site, site.service, "v2.1" if versions else "")
    _bad(site, site.service, "v2.0" if versions else "")
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def close_together(site: Site, first: bool = False, versions: bool = True) -> Answer:
    """Two versions of one service go live within two minutes; the failing records tell which."""
    site.configure()
    one = site.deploy(site.service, "v5", BREAK - 3 * MINUTE, before="v4", decoy=not first)
    _good(site, site.service, "v4" if first or not versions else "v5")
    at = BREAK - MINUTE if not first else BREAK + MINUTE
    two = site.deploy(site.service, "v6", at, before="v5", decoy=first)
    _bad(site, site.service, ("v5" if first else "v6") if versions else "")
    site.settle(SETTLED)
    return "DEPLOYMENT", one if first else two, site.chain[0]


def two_services(site: Site, second: bool) -> Answer:
    """Two services write one dataset and go live together; evidence names the guilty one."""
    site.configure()
    ids = {
        name: site.deploy(name, "v2", BREAK - gap * SECOND, before="v1", decoy=True)
        for name, gap in ((site.service, 30), ("second-svc", 25))
    }
    guilty = "second-svc" if second else site.service
    site.decoys.remove(ids[guilty])
    _good(site, guilty, "v1")
    _bad(site, guilty, "v2")
    site.settle(SETTLED)
    return "DEPLOYMENT", ids[guilty], site.chain[0]


def staging_first(site: Site, versions: bool = True) -> Answer:
    """The next version is on staging already, and the guilty one goes there again afterwards."""
    site.configure()
    cause = site.deploy(site.service, "v3", BREAK - 3 * MINUTE, before="v2")
    site.deploy(site.service, "v4", BREAK - MINUTE, before="v3", environment="staging", decoy=True)
    site.deploy(site.service, "v3", BREAK - 10 * SECOND, before="v2", environment="staging")
    site.decoys.append(f"{cause}@staging")
    _good(site, site.service, "v2" if versions else "")
    _bad(site, site.service, "v3" if versions else "")
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def slow_burn(site: Site, hours: int) -> Answer:
    """The field is missing in a path that is taken only hours after the deployment."""
    site.configure()
    cause = site.deploy(site.service, "v3", BREAK - hours * HOUR, before="v2")
    site.surround(BREAK)
    _good(site, site.service, "v3")
    _bad(site, site.service, "v3")
    site.settle(SETTLED)
    return "DEPLOYMENT", cause, site.chain[0]


def nothing_known(site: Site, decoy: str) -> Answer:
    """What brought it is not on the log; what is near in time is innocent."""
    site.configure(owned=decoy != "strangers")
    if decoy in ("strangers", "all"):
        site.surround(BREAK)
    if decoy in ("staging", "all"):
        site.deploy(
            site.service, "v9", BREAK - 30 * SECOND, before="v8", environment="staging", decoy=True
        )
    if decoy == "later":
        site.deploy(site.service, "v9", BREAK + 5 * MINUTE, before="v8", decoy=True)
    if decoy == "long ago":
        site.deploy(site.service, "v9", BREAK - 5 * DAY, before="v8", decoy=True)
    if decoy == "another version":
        site.deploy(site.service, "v9", BREAK - 3 * HOUR, before="v8", decoy=True)
    version = {"another version": "v8", "long ago": "v9"}.get(decoy, "")
    who = "" if decoy == "strangers" else site.service
    _good(site, who, version)
    _bad(site, who, version)
    site.settle(SETTLED)
    return "UNKNOWN", "", site.chain[0]
