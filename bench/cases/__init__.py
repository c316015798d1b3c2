"""One benchmark per file, each a function `run(quick)` returning a report."""
