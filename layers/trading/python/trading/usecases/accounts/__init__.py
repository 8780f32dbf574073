"""What clients see of what they own."""
