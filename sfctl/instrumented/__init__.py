"""Writes of jobs that know nothing of us: found at their writers, done by `sf.write`."""
