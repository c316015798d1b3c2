"""Incidents whose cause is known: events through the real stages, then root cause analysis."""
