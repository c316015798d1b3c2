"""Rounds of damage: each writes one damaged file into a whole repo and judges the repo."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzzing.damage import damaged
from tests.fuzzing.oracle import Nonsense, outcome
from tests.fuzzing.repo import FILES, write

_OFTEN = ("datasets/orders/policy_bundle.yaml",) * 5 + ("packs/codes.yaml",) * 3


class Found(AssertionError):
    """A round that should not have ended as it did; says the seed and the file."""


def run(root: Path, first: int, rounds: int) -> Counter[str]:
    """Run rounds with seeds from `first` on; return how many ended in which way, by kind of file.

    Raises Found at the first that ends with a traceback or with nonsense.
    """
    if not (root / "sfctl.yml").exists():
        write(root)
    ends: Counter[str] = Counter()
    for seed in range(first, first + rounds):
        random = Random(seed)
        name = random.choice((*FILES, *_OFTEN))
        data = damaged(FILES[name], random)
        file = root / name
        file.write_bytes(data)
        try:
            ends[outcome(root, name, data)] += 1
            ends[f"file {name}"] += 1
        except Nonsense as nonsense:
            raise Found(f"seed {seed}: {nonsense}") from nonsense
        except Exception as error:
            raise Found(f"seed {seed}, {name}: {type(error).__name__}: {error}") from error
        finally:
            file.write_bytes(FILES[name].encode())
    return ends
