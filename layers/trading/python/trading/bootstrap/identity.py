"""Log-in."""

from dataclasses import dataclass

from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.second_factors import ProfilePolicies, TableSecondFactors
from trading.adapters.http.idempotency import Idempotency
from trading.adapters.http.signature_check import Signatures
from trading.adapters.http.throttle import Throttle
from trading.adapters.identity import passwords
from trading.adapters.identity.codes import DerivedCodes
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.identity.login import (
    Operators,
    TableClients,
    TableLoginFailures,
)
from trading.adapters.identity.tokens import Tokens
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap import clients
from trading.bootstrap.api import throttle
from trading.bootstrap.authorizers import tokens
from trading.bootstrap.settings import ClientLogInSettings, LogInSettings
from trading.bootstrap.signatures import signatures
from trading.usecases.identity.log_in import LogIn
from trading.usecases.identity.second_factor import CheckCode, ClientPolicies, Enrolments
from trading.usecases.ports.identity import Owners


@dataclass(frozen=True)
class LogInApi:
    check_code: CheckCode
    enrolments: Enrolments
    idempotency: Idempotency
    log_in: LogIn
    signatures: Signatures
    tokens: Tokens


@dataclass(frozen=True)
class ClientLogInApi:
    base: LogInApi
    policies: ClientPolicies
    throttle: Throttle


def client_log_in_api(settings: ClientLogInSettings) -> ClientLogInApi:
    dynamodb = clients.dynamodb()
    base = _log_in_api(settings, TableClients(dynamodb, settings.clients_table))
    profiles = ProfilePolicies(dynamodb, settings.clients_table, clock.now)
    return ClientLogInApi(
        base=base,
        policies=ClientPolicies(base.check_code, profiles, base.enrolments.audit),
        throttle=throttle(settings),
    )


def operator_log_in_api(settings: LogInSettings) -> LogInApi:
    return _log_in_api(settings, Operators())


def _log_in_api(settings: LogInSettings, owners: Owners) -> LogInApi:
    dynamodb, monitor = clients.dynamodb(), Counters()
    factors = TableSecondFactors(dynamodb, settings.factors_table)
    codes = DerivedCodes(clients.kms(), settings.second_factor_key)
    check_code = CheckCode(factors, codes, monitor, clock.now)
    audit = TableAuditTrail(dynamodb, settings.audit_table, clock.now)
    return LogInApi(
        check_code=check_code,
        enrolments=Enrolments(factors, codes, check_code, audit, monitor, clock.now),
        # A record expires with its token, because an expired token is of no use to a repetition.
        idempotency=Idempotency(dynamodb, settings.idempotency_table, settings.token_lifetime),
        log_in=LogIn(
            TableCredentials(dynamodb, settings.credentials_table, settings.token_audience),
            owners,
            TableLoginFailures(dynamodb, settings.control_table, clock.now),
            passwords.matches,
            clock.now,
        ),
        signatures=signatures(settings),
        tokens=tokens(settings),
    )
