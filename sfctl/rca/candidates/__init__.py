"""Kinds of causes, one file each: what they look for and what they read."""
