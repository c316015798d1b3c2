"""The ways to tell somebody: one file each, all plain and bounded in time."""
