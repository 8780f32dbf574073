"""What the function is told."""

from trading.adapters.dynamodb.tables import BooksSettings


class Settings(BooksSettings):
    """The books, the workflow, and the mailbox that pushes go to."""

    order_lifecycle_arn: str
    execution_queue_url: str
