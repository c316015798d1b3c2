"""Lineage in: OpenLineage run events, lineage specs, deployments; and the names they use."""
