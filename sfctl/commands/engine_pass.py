"""Advance all stages until nothing moves, and say in one line each what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sfctl.consumer import Progress, Stage, advanced
from sfctl.engines.runner import Runner
from sfctl.incidents.stage import IncidentStage
from sfctl.incidents.title import spoken, words
from sfctl.model.signal import Signal
from sfctl.report import text
from sfctl.report.progress import track


@dataclass(slots=True)
class Pass:
    """What the stages did: progress by stage, signals published, people told."""

    progress: dict[str, Progress] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        """Whether anything was read or said."""
        return any(each.events or each.emitted for each in self.progress.values())


def advance_all(stages: Sequence[Stage], now: datetime, steps: int | None = None) -> Pass:
    """Run the stages in order, again while one of them moved: engines read signals as well.

    `steps` is about how many there will be, for the bar.
    """
    done = Pass({stage.name: Progress() for stage in stages})
    for _ in track(_rounds(stages, now, done), "engines", steps):
        pass
    for stage in stages:
        if isinstance(stage, Runner):
            done.signals += stage.published
            stage.published.clear()
        elif isinstance(stage, IncidentStage):
            done.told += stage.told
            stage.told.clear()
    return done


def _rounds(stages: Sequence[Stage], now: datetime, done: Pass) -> Iterator[None]:
    moving = True
    while moving:
        moving = False
        for stage in stages:
            more = True
            while more:
                step = advanced(stage, now)
                done.progress[stage.name] += step
                more = step.more
                moving = moving or bool(step.events)
                yield


def stage_line(name: str, moved: Progress) -> str:
    """Return what a stage did, in one line."""
    noun = {"graph": "element", "incidents": "incident"}.get(name, "signal")
    line = f"{name}: {text.count(moved.events, 'event')}, {text.count(moved.emitted, noun)}"
    if moved.dead:
        line += f", {text.count(moved.dead, 'dead letter')}"
    return text.status_line(line, "DEAD" if moved.dead else "ok")


def signal_line(each: Signal) -> str:
    """Return a signal in one line that ends in its state."""
    name = f"{words(each.signal_type)} {spoken(each.dataset_urn)} {each.signature}".rstrip()
    return text.status_line(name, each.state.lower())
