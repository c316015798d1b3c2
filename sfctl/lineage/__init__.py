"""Lineage as it comes from elsewhere: which documents tell of it, and what is wrong with them."""
