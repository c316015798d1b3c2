"""One outcome in, one rendering out: text, JSON, JUnit, SARIF, GitHub annotations."""
