"""The registry of schemas: what each dataset is agreed to look like, version by version."""
