"""Tables behind one port: Delta through delta-rs, and plain Parquet as immutable snapshots."""
