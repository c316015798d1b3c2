"""Operational state: small versioned items with compare-and-set; what keeps `.sfctl/` sane."""
