"""The public API's authorizer."""

from functions.authorizer.settings import Settings
from trading.adapters.authorizer import authorizer_handler
from trading.adapters.settings import load

settings = load(Settings)
handler = authorizer_handler(
    settings.signing_key_secret_id, settings.token_issuer, settings.token_audience
)
