"""Log-in."""

from dataclasses import dataclass

from trading.adapters.http.idempotency import Idempotency
from trading.adapters.identity import passwords
from trading.adapters.identity.login import TableCredentials, TableLoginFailures
from trading.adapters.identity.tokens import Tokens
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.authorizers import tokens
from trading.bootstrap.settings import LogInSettings
from trading.usecases.identity.log_in import LogIn


@dataclass(frozen=True)
class LogInApi:
    idempotency: Idempotency
    log_in: LogIn
    tokens: Tokens


def log_in_api(settings: LogInSettings) -> LogInApi:
    dynamodb = clients.dynamodb()
    return LogInApi(
        # A record expires with its token, because an expired token is of no use to a repetition.
        idempotency=Idempotency(dynamodb, settings.idempotency_table, settings.token_lifetime),
        log_in=LogIn(
            TableCredentials(dynamodb, settings.credentials_table, settings.clients_table),
            TableLoginFailures(dynamodb, settings.control_table, clock.now),
            passwords.matches,
            clock.now,
        ),
        tokens=tokens(settings),
    )
