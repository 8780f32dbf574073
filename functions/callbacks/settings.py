"""What the function is told."""

from trading.adapters.runtime.settings import LambdaSettings


class Settings(LambdaSettings):
    """Where reports go, and the secrets that venues sign with."""

    idempotency_table: str
    execution_queue_url: str
    venue_secret_prefix: str
