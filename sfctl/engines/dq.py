"""The data quality engine: the share of records that pass every row rule of a run."""

from sfctl.engines.compliance import ComplianceEngine

ENGINE = ComplianceEngine("dq", "data_quality", "DQ", "DQ_BREACH", 0.99)
