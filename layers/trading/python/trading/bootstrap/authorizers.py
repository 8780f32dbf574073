"""The authorizers of the APIs."""

from trading.adapters.identity.authorizer import Authorizer
from trading.adapters.identity.credentials import read_credential
from trading.adapters.identity.signing_keys import SigningKeys
from trading.adapters.identity.tokens import Tokens
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.settings import (
    AuthorizerSettings,
    InternalAuthorizerSettings,
    TokenSettings,
)


def authorizer(settings: AuthorizerSettings) -> Authorizer:
    return Authorizer(tokens(settings), settings.token_audience)


def internal_authorizer(settings: InternalAuthorizerSettings) -> Authorizer:
    dynamodb, table = clients.dynamodb(), settings.credentials_table
    return Authorizer(
        tokens(settings),
        settings.token_audience,
        lambda api_key: read_credential(dynamodb, table, api_key),
    )


def tokens(settings: TokenSettings) -> Tokens:
    keys = SigningKeys(clients.kms(), settings.signing_keys)
    return Tokens(keys, settings.token_issuer, settings.token_lifetime, clock.now)
