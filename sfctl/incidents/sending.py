"""One notice through one channel: the address is read here, and never told to anybody."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from sfctl.incidents import notice as wording
from sfctl.incidents.address import address_of
from sfctl.incidents.notifiers import file, webhook
from sfctl.incidents.notifiers.webhook import Refused
from sfctl.incidents.outbox import Notice
from sfctl.model import codec
from sfctl.model.incident import Incident
from sfctl.model.manifest import ChannelEntry

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
PAGERDUTY_VARIABLE = "SFCTL_PAGERDUTY_URL"
LINKS_VARIABLE = "SFCTL_RCA_URL"
_INTEGRATION_KEY = re.compile(r"[A-Za-z0-9]{32}")


class Unusable(Refused):
    """This channel will never take it: there is no use in trying again."""


def send(channel: ChannelEntry, notice: Notice, incident: Incident | None, root: Path) -> None:
    """Send one notice. Raises Unusable, or Refused where another try may do."""
    channel = replace(channel, address=address_of(channel, root), address_from="")
    links = os.environ.get(LINKS_VARIABLE, "")
    match channel.type:
        case "file":
            try:
                file.append(root, channel.address, wording.document(notice, incident, links))
            except Refused as error:
                raise Unusable(str(error)) from None
        case "pagerduty":
            address, key = _pagerduty(channel.address)
            webhook.post(address, wording.pagerduty(notice, incident, key, links))
        case "slack" | "teams":
            webhook.post(_url(channel), wording.chat(notice, incident, links))
        case "jira":
            if notice.kind in ("resolve", "escalate"):
                return
            webhook.post(_url(channel), wording.ticket(notice, incident, links))
        case "webhook":
            webhook.post(_url(channel), wording.document(notice, incident, links))
        case _:
            raise Unusable(f"{channel.type} cannot be sent by this version")


def fingerprint(channel: ChannelEntry) -> str:
    """Return what stands for a channel in the store: its kind, and a digest of its address."""
    return f"{channel.type}:{codec.digest(channel.address_from or channel.address)[-12:]}"


def _url(channel: ChannelEntry) -> str:
    if urlsplit(channel.address).scheme not in webhook.SCHEMES:
        raise Unusable("its address is not an http or https URL")
    return channel.address


def _pagerduty(address: str) -> tuple[str, str]:
    """Return where to post and the routing key: a key, or a URL with the key as its fragment."""
    parts = urlsplit(address)
    if parts.scheme in webhook.SCHEMES:
        return urlunsplit(parts._replace(fragment="")), parts.fragment
    elsewhere = os.environ.get(PAGERDUTY_VARIABLE, "")
    if elsewhere:
        return elsewhere, address
    if not _INTEGRATION_KEY.fullmatch(address):
        raise Unusable("its address is no integration key of 32 letters and digits, nor a URL")
    return PAGERDUTY, address
