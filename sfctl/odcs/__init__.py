"""The Open Data Contract Standard: documents judged, taken in, and given back."""
