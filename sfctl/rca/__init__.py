"""Root cause: an incident and the graph in, ranked causes with citations out."""
