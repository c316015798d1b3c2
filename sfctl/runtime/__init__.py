"""Policy and data in, verdicts out; good rows published, bad rows held, versions certified."""
