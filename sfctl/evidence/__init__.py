"""The seam of the flow: runtimes write facts on the left, engines read them on the right."""
