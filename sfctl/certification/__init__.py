"""Which table version consumers may read, decided in one place."""
