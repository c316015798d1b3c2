"""The causal graph: what an event means in nodes and edges, and the store they are walked in."""
