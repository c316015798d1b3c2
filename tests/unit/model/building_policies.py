"""A policy from the text of a bundle whose columns may be unknown."""

from __future__ import annotations

import textwrap

from sfctl.compiler.policy import compile_policy
from sfctl.model.policy import Policy
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.yaml import parse


def policy_of(bundle: str) -> Policy:
    """Compile a bundle that has no errors."""
    dataset, _ = parse("{urn: ds://shop/orders, owner_team: sales, tier: TIER_3}", "dataset.yaml")
    tree, problems = parse(textwrap.dedent(bundle), "policy_bundle.yaml")
    assert dataset is not None
    assert tree is not None
    assert problems == []
    files = DatasetFiles("orders", dataset, tree, None)
    policy, found = compile_policy(files, open_columns=True)
    assert [problem for problem in found if problem.severity == "error"] == []
    return policy
