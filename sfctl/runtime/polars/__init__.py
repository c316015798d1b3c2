"""The Polars adapter: expression trees, measures and uniqueness as Polars does them exactly."""
