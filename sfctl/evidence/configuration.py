"""Tell the engines which project holds: the CONFIG event, once for each compiled manifest.

It goes to the bus itself, not through a run's outbox: the sanitizer cuts what looks like free text,
and rules must arrive whole.
"""

from __future__ import annotations

from sfctl.evidence.port import Bus, Query
from sfctl.model import topology
from sfctl.model.manifest import Manifest


def announce(bus: Bus, manifest: Manifest) -> bool:
    """Publish the manifest unless the newest CONFIG is of it; tell whether it was published.

    Raises StoreError when the bus does not answer.
    """
    newest = bus.query(Query(kind="CONFIG", limit=1, newest_first=True))
    if newest and newest[0].event.payload.get("manifest_digest") == manifest.digest:
        return False
    return bus.publish([topology.to_event(manifest)]).accepted > 0
