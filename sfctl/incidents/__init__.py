"""Incidents: signals and graph in, one incident a cause out, the right people told."""
