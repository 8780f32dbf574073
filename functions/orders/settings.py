"""What the function is told."""

from trading.adapters.stages import ClientApiSettings


class Settings(ClientApiSettings):
    """What an API for clients needs, and the workflow to start."""

    order_lifecycle_arn: str
