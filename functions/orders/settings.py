"""What the function is told."""

from trading.adapters.stages import ClientApiSettings


class Settings(ClientApiSettings):
    """What an API for clients needs, the workflow to start, and the mailbox that cancels go to."""

    order_lifecycle_arn: str
    execution_queue_url: str
