"""The moment at which freshness is judged; imports nothing, for peers' scripts read it too."""

NOW = "2024-03-12T00:00:00Z"
