"""Who trades: profiles, limits, credentials."""
