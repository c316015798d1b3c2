"""YAML text to a checked tree with source positions: the first box of the flow."""
