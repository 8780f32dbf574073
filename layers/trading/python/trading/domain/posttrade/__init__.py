"""What follows a trade: clearing and settlement."""
