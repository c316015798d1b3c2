"""The programs being measured: each runs as a process of its own, in its own environment."""
