"""Log-in, and the key that signs access tokens."""
