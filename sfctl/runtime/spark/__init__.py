"""The Spark adapter: rules as native SQL columns inside the user's own job."""
