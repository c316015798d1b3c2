"""Personal data: find it, act on it, and never let a flagged value leave in the clear.

`apply` is the whole of it for a write: one pass over the named columns yields both the columns
as they may be written and what was found.
"""
