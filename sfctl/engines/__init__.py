"""Signal engines: pure folds from evidence to signals, and the runner that keeps their state."""
