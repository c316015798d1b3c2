"""Frozen values that the stages of the flow share. Nothing here reads, writes or decides."""
