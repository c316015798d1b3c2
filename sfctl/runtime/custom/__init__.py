"""Custom rules: users' functions over Arrow batches, in a process of their own."""
