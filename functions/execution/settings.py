"""The environment of the function."""

from trading.bootstrap.settings import ExecutionSettings


class Settings(ExecutionSettings):
    """The settings of execution, the mailbox of this function, and its dead-letter queue."""

    execution_queue_url: str
    execution_dlq_url: str
