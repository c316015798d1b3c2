"""The shape of each kind of document in a data repo, one table a file."""
