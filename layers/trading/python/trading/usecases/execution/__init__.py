"""What happens to an accepted order at the exchanges."""
