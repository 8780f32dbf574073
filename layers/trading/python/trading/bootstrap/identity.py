"""Log-in."""

from dataclasses import dataclass

from trading.adapters.http.idempotency import Idempotency
from trading.adapters.identity import passwords
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.identity.login import (
    Operators,
    TableClients,
    TableLoginFailures,
)
from trading.adapters.identity.tokens import Tokens
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.authorizers import tokens
from trading.bootstrap.settings import ClientLogInSettings, LogInSettings
from trading.usecases.identity.log_in import LogIn
from trading.usecases.ports.identity import Owners


@dataclass(frozen=True)
class LogInApi:
    idempotency: Idempotency
    log_in: LogIn
    tokens: Tokens


def client_log_in_api(settings: ClientLogInSettings) -> LogInApi:
    return _log_in_api(settings, TableClients(clients.dynamodb(), settings.clients_table))


def operator_log_in_api(settings: LogInSettings) -> LogInApi:
    return _log_in_api(settings, Operators())


def _log_in_api(settings: LogInSettings, owners: Owners) -> LogInApi:
    dynamodb = clients.dynamodb()
    return LogInApi(
        # A record expires with its token, because an expired token is of no use to a repetition.
        idempotency=Idempotency(dynamodb, settings.idempotency_table, settings.token_lifetime),
        log_in=LogIn(
            TableCredentials(dynamodb, settings.credentials_table, settings.token_audience),
            owners,
            TableLoginFailures(dynamodb, settings.control_table, clock.now),
            passwords.matches,
            clock.now,
        ),
        tokens=tokens(settings),
    )
