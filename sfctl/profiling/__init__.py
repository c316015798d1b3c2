"""What normal looks like: measures of a dataset, and the rules they suggest to its owner."""
