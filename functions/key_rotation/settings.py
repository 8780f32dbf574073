"""What the function is told."""

from trading.adapters.runtime.settings import LambdaSettings


class Settings(LambdaSettings):
    """The key that signs tokens."""

    signing_key_secret_id: str
