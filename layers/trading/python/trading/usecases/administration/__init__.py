"""What operators do to clients, instruments and transfers."""
