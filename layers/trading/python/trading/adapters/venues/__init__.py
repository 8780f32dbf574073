"""The outside world: exchanges, the depository, and how well they do."""
