"""What the function is told."""

from trading.bootstrap import ClientApiSettings


class Settings(ClientApiSettings):
    """What an API for clients needs, the workflow to start, the mailbox that cancels go to, and the
    records of what was asked for.
    """

    order_lifecycle_arn: str
    execution_queue_url: str
    idempotency_table: str
