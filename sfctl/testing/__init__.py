"""For authors of rules: try a custom function, or a policy, on a few rows.

    from sfctl.testing import answers, assert_rule, judge_rows

Works with any test runner and without one; what does not hold is an AssertionError.
"""

from __future__ import annotations

from sfctl.testing.function import Function, answers, assert_rule
from sfctl.testing.policy import Judged, judge_rows

__all__ = ["Function", "Judged", "answers", "assert_rule", "judge_rows"]
