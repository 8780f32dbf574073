"""Changes that operators make to clients, instruments and transfers."""
