"""What the function is told."""

from trading.adapters.runtime.settings import LambdaSettings


class Settings(LambdaSettings):
    """The key that signs tokens, and the API that this authorizer stands before."""

    signing_key_secret_id: str
    token_audience: str
