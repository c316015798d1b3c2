"""The contract engine: the share of records that pass the contract gate, WARN counted as passing.

A write whose schema gate failed counts as failed whole.
"""

from sfctl.engines.compliance import ComplianceEngine

ENGINE = ComplianceEngine("contract", "contract_compliance", "G4_CONTRACT", "CONTRACT_BREACH", 0.95)
