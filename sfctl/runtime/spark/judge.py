"""Judging rows that are held on Spark: counted here, concluded as on every engine.

Spark jobs that a judgement runs once the rows are held, a shuffle being one of them: none where no
row fails a rule and all that was asked could ride on their write. Else 2 for the aggregate of all
rules, 3 more for values that fail where these may be told. Whatever came of the others: 3 for all
keys that must be unique and 3 more where some occur twice; 3 for counts of different values, 2 for
standard deviations, 2 to 10 a quantile by the number of values; foreign keys and users' functions
are part of the aggregate, with the jobs that join what they are held against.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.concluding import concluded
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.spark.program import program_for
from sfctl.runtime.spark.scan import scanned
from sfctl.runtime.spark.schema import of_frame

if TYPE_CHECKING:
    from sfctl.runtime.spark.held import Held


def judge(
    held: Held,
    policy: Policy,
    stage: str,
    *,
    now: datetime,
    around: Surroundings | None = None,
) -> Judgement:
    """Judge rows by the rules of one stage: bronze, silver or gold.

    What was observed on the way is believed where it says that no row failed. Raises what Spark
    raises where a pass cannot be run; whatever is wrong with a single rule ends in its outcome.
    """
    around = around or Surroundings()
    started = time.perf_counter()
    schema = of_frame(held.frame)
    program = program_for(schema, policy, stage, around)
    state = scanned(held, program, policy, around)
    return concluded(policy, stage, program.plan, state, schema, around, now=now, started=started)
