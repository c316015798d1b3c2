"""Which of a team's channels hear of what: by severity, or all of them."""

from __future__ import annotations

from collections.abc import Sequence

from sfctl.incidents.outbox import NoticeKind
from sfctl.model import graph as ids
from sfctl.model.manifest import ChannelEntry
from sfctl.model.topology import Topology

_BY_SEVERITY = {"SEV-1": "pagerduty", "SEV-2": "slack", "SEV-3": "jira"}
_ALWAYS = ("webhook", "file")
_QUIET = ("slack", "teams", "email", *_ALWAYS)
"""Channels that wake nobody and open no ticket."""


def channels_of(team: str, topology: Topology) -> tuple[ChannelEntry, ...]:
    """Return a team's channels; teams are named `orders` or `urn:team:orders`."""
    if not team:
        return ()
    wanted = ids.team_id(team)
    found = [each.channels for each in topology.lineage.teams if each.urn == wanted]
    return tuple(channel for channels in found for channel in channels)


def chosen(
    channels: Sequence[ChannelEntry], kind: NoticeKind, severity: str, *, alerts: bool = True
) -> tuple[ChannelEntry, ...]:
    """Return the channels for a notice.

    An alert goes to the channel of its severity (SEV-1 pagerduty, SEV-2 slack, SEV-3 jira), and
    to every webhook and file; to teams and e-mail where the team has no such channel. What must
    wake nobody (`alerts` false, upstream warnings, gaps, digests) goes to the quiet ones. An
    escalation goes to all that the alert left out, to the same where it left none.
    """
    if kind in ("digest", "upstream", "gap") or not alerts:
        quiet = tuple(each for each in channels if each.type in _QUIET)
        return quiet or (tuple(channels) if kind == "digest" else ())
    own = [each for each in channels if each.type == _BY_SEVERITY.get(severity)]
    if not own:
        own = [each for each in channels if each.type in ("teams", "email")]
    usual = tuple(each for each in channels if each in own or each.type in _ALWAYS)
    if not usual:
        usual = tuple(channels)
    if kind == "escalate":
        others = tuple(each for each in channels if each not in usual)
        return others or usual
    return usual
