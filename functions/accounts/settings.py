"""What the function is told."""

from trading.bootstrap import ClientApiSettings


class Settings(ClientApiSettings):
    """What an API for clients needs, and nothing else."""
