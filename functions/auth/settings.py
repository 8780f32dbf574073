"""What the function is told."""

from pydantic import Field

from trading.adapters.runtime.settings import LambdaSettings


class Settings(LambdaSettings):
    """API keys, the clients they belong to, and the key that signs tokens."""

    credentials_table: str
    clients_table: str
    control_table: str
    idempotency_table: str
    signing_key_secret_id: str
    token_lifetime_seconds: int = Field(default=900, ge=60, le=3600)
