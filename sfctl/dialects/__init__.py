"""Other systems' descriptions of a table, read into the canonical schema. Text and JSON alone."""
