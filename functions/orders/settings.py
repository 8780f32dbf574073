"""What the function is told."""

from pydantic import Field

from trading.adapters.tables import BooksSettings


class Settings(BooksSettings):
    """The books, the workflow to start, and the rate limit of a key."""

    control_table: str
    order_lifecycle_arn: str
    rate_limit_requests: int = Field(default=100, gt=0)
    rate_limit_window_seconds: int = Field(default=10, gt=0)
