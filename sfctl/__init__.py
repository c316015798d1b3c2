"""sfctl: trust for data jobs."""

__version__ = "0.1.0"
