"""What an engine has said already: so that nothing is said twice, and a change is a revision."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sfctl.model import codec
from sfctl.model.signal import Signal, SignalState

_KEPT = 240


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signal that fell out: enough to amend it and to tell its state."""

    order: str
    """Sorts by the time of what the signal is about."""
    state: str
    digest: str
    revision: int = 0


class Memo(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last signals by id, and the last word on each dataset."""

    said: dict[str, Said] = {}
    status: tuple[SignalState, ...] = ()
    orders: dict[str, str] = {}
    """Per dataset, the order of what its status is about."""
    floor: str = ""
    """The order of the newest signal that was let go: nothing so old is sent anew."""


def amended(memo: Memo, signal: Signal, order: str) -> tuple[Memo, list[Signal]]:
    """Take a conclusion in; return the signal if it is to be sent, with its revision.

    Sent: what is not OK, what was sent before and reads otherwise now, and the return to OK.
    `order` sorts conclusions on one dataset by the time they are about.
    """
    known = memo.said.get(signal.signal_id)
    before = _before(memo, signal.dataset_urn, order)
    digest = codec.digest(signal)
    memo = _with_status(memo, signal, order)
    if known is not None and known.digest == digest:
        return memo, []
    if known is None and signal.state == "OK" and before in ("", "OK"):
        return memo, []
    if known is None and memo.floor and order <= memo.floor:
        return memo, []
    revision = known.revision + 1 if known is not None else 0
    said = {**memo.said, signal.signal_id: Said(order, signal.state, digest, revision)}
    floor = memo.floor
    if len(said) > _KEPT:
        oldest = min(said, key=lambda name: (said[name].order, name))
        floor = max(floor, said.pop(oldest).order)
    previous = known.state if known is not None else before
    sent = replace(signal, revision=revision, previous_state=previous)
    return replace(memo, said=said, floor=floor), [sent]


def unspoken(memo: Memo) -> Memo:
    """Return the memo without its last words: the project has none of what they are about."""
    return replace(memo, status=(), orders={})


def _before(memo: Memo, dataset: str, order: str) -> str:
    """Return the state that held before what `order` is about, empty where none is known."""
    if memo.orders.get(dataset, order) >= order:
        return ""
    return next((item.state for item in memo.status if item.dataset_urn == dataset), "")


def _with_status(memo: Memo, signal: Signal, order: str) -> Memo:
    """Return the memo with the dataset's last word, unless an older window is spoken of."""
    dataset = signal.dataset_urn
    if order < memo.orders.get(dataset, ""):
        return memo
    known = next((item for item in memo.status if item.dataset_urn == dataset), None)
    going_on = known is not None and known.breach_start and signal.state != "OK"
    start = known.breach_start if known is not None and going_on else signal.window.start
    item = SignalState(
        dataset_urn=dataset,
        engine=signal.engine,
        state=signal.state,
        last_updated=signal.timestamp,
        breach_start="" if signal.state == "OK" else start,
        window_end=signal.window.end,
        failure_signature=signal.signature,
        evidence_sample=signal.evidence_refs,
        reason=signal.reason,
        signal_id=signal.signal_id,
        signal_type=signal.signal_type,
        run_id=signal.run_id,
    )
    others = tuple(each for each in memo.status if each.dataset_urn != dataset)
    status = tuple(sorted((*others, item), key=lambda each: each.dataset_urn))
    return replace(memo, status=status, orders={**memo.orders, dataset: order})
