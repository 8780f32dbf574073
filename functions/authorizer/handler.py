"""The public API's authorizer."""

from functions.authorizer.settings import Settings
from trading.adapters.identity.authorizer import authorizer_handler
from trading.adapters.runtime.settings import load

settings = load(Settings)
handler = authorizer_handler(
    settings.signing_key_secret_id, settings.token_issuer, settings.token_audience
)
