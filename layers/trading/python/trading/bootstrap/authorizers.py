"""The authorizers of the APIs."""

from trading.adapters.identity.authorizer import Authorizer
from trading.adapters.identity.tokens import Tokens
from trading.adapters.runtime import clock
from trading.adapters.runtime.secrets import StagedSecret
from trading.bootstrap import clients
from trading.bootstrap.settings import AuthorizerSettings


def authorizer(settings: AuthorizerSettings) -> Authorizer:
    keys = StagedSecret(clients.secrets_manager(), settings.signing_key_secret_id, clock.now)
    return Authorizer(Tokens(keys, settings.token_issuer, clock.now), settings.token_audience)
