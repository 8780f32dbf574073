"""What the function is told."""

from trading.bootstrap import ExecutionSettings


class Settings(ExecutionSettings):
    """What executing orders needs, and where messages go that cannot succeed."""

    execution_queue_url: str
    execution_dlq_url: str
