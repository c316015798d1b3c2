"""Checked YAML in, engine-neutral policies out: the second box of the flow."""
