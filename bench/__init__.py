"""Side-by-side benchmarks of sfctl against its peers, using the product as a user would."""
