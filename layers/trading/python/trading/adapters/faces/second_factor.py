"""The routes with which a client enrols a second factor, and says which orders need it."""

from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Self

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import ConfigDict, Field, model_validator

from trading.adapters.faces.auth import TAGS, LogInRoutes, holder_of
from trading.adapters.http.amounts import Amount
from trading.adapters.http.fields import Code, Name
from trading.adapters.http.idempotency import Done, Idempotency
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.identity.codes import provisioning_uri
from trading.domain import patterns
from trading.domain.clients.credentials import Credential
from trading.domain.clients.second_factor import FactorStatus, SecondFactorPolicy
from trading.domain.patterns import whole
from trading.domain.values import ZERO, Frozen, Money
from trading.usecases.identity.second_factor import Caller, ClientPolicies, Enrolments

PATH = "/api/v1/auth/second-factor"


class Enrolment(Frozen):
    """An API key and its secret. `code`: of the active second factor, if there is one."""

    api_key: Name
    api_secret: str = Field(min_length=1, max_length=128)
    code: Code | None = None


class Confirmation(Frozen):
    """An API key and its secret, and the first code of the new authenticator."""

    api_key: Name
    api_secret: str = Field(min_length=1, max_length=128)
    code: str = Field(pattern=whole(patterns.TOTP_CODE), examples=["492039"])


class Orders(StrEnum):
    """Which orders need a second factor."""

    NONE = "none"
    ABOVE = "above"
    ALL = "all"


WITHOUT_AMOUNT: dict[str, Any] = {
    "properties": {"orders": {"enum": ["none", "all"]}, "amount": {"type": "null"}}
}
WITH_AMOUNT: dict[str, Any] = {
    "properties": {
        "orders": {"enum": ["above"]},
        "amount": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
    "required": ["orders", "amount"],
}


class Policy(Frozen):
    """Which orders need a second factor, and whether withdrawals do. `amount`: with `above`, in the
    client's currency.
    """

    orders: Orders
    amount: Money | None = None
    withdrawals: bool

    @classmethod
    def of(cls, policy: SecondFactorPolicy) -> Self:
        above, withdrawals = policy.orders_above, policy.withdrawals
        if above is None:
            return cls(orders=Orders.NONE, withdrawals=withdrawals)
        if not above:
            return cls(orders=Orders.ALL, withdrawals=withdrawals)
        return cls(orders=Orders.ABOVE, amount=above, withdrawals=withdrawals)


class NewPolicy(Frozen):
    """Which orders are to need a second factor, and whether withdrawals are to. Without the field
    `withdrawals`, that setting stays as it is. `code`: of the active second factor.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [WITHOUT_AMOUNT, WITH_AMOUNT]})

    api_key: Name
    api_secret: str = Field(min_length=1, max_length=128)
    code: Code
    orders: Orders
    amount: Amount | None = None
    withdrawals: bool | None = Field(default=None, strict=True)

    @model_validator(mode="after")
    def _amount_above(self) -> Self:
        if (self.orders is Orders.ABOVE) != (self.amount is not None):
            raise ValueError("an amount goes with orders: above, and only with it")
        return self

    def above(self) -> Decimal | None:
        if self.orders is Orders.NONE:
            return None
        return self.amount if self.amount is not None else ZERO


class FactorView(Frozen):
    """What there is of a second factor."""

    status: FactorStatus
    recovery_codes_left: int


class ProtectionView(FactorView):
    """What a client has of a second factor, and what needs one."""

    policy: Policy


class EnrolmentView(Frozen):
    """What an authenticator needs: `uri` as a QR code, or `secret` by hand (base32, SHA-1, 6
    digits, 30 s). Each of the `recovery_codes` is accepted once, in the place of a code.
    """

    secret: str
    uri: str
    recovery_codes: tuple[str, ...]


class Begun(Frozen):
    """The record of an enrolment under its Idempotency-Key."""

    enrolment: str


def add_enrolment(
    app: ApiResolver,
    log_in: LogInRoutes,
    enrolments: Enrolments,
    idempotency: Idempotency,
    issuer: str,
) -> None:
    """Add the routes to enrol. They need the API secret, so a stolen token is not enough for them.
    `issuer`: the name that the authenticator shows.
    """

    @app.post(
        PATH,
        permission=None,
        status=HTTPStatus.CREATED,
        summary="Enrol a second factor",
        tags=TAGS,
    )
    def enrol_second_factor(request: Annotated[Enrolment, Body()]) -> Response[EnrolmentView]:
        """Begin to enrol an authenticator (TOTP, RFC 6238). It takes effect with its first code:
        `POST /api/v1/auth/second-factor/confirmation`. Until then, the previous one stays valid.

        To replace a second factor, send one of its codes or a recovery code. A repeated request
        gets the same secret for two minutes, unless the enrolment is confirmed.

        An API key with a registered key signs this request and the confirmation, like a log-in.
        """
        credential = log_in.checked_to_enrol(request.api_key, request.api_secret)

        def begin() -> Begun:
            return Begun(enrolment=enrolments.enrol(_caller(log_in, credential), request.code))

        outcome = idempotency.once(app, credential.api_key, Begun, begin)
        enrolled = enrolments.shown(holder_of(credential), outcome.answer.enrolment)
        view = EnrolmentView(
            secret=enrolled.secret,
            uri=provisioning_uri(issuer, credential.client_id, enrolled.secret),
            recovery_codes=tuple(enrolled.recovery_codes),
        )
        return json_response(view, HTTPStatus.CREATED, outcome.headers)

    @app.post(f"{PATH}/confirmation", permission=None, summary="Confirm a second factor", tags=TAGS)
    def confirm_second_factor(
        request: Annotated[Confirmation, Body()],
    ) -> Response[FactorView]:
        """Make the enrolled authenticator the second factor, by its first code. The previous
        one ends, with its recovery codes.
        """
        credential = log_in.checked_to_enrol(request.api_key, request.api_secret)

        def effect() -> Done:
            enrolments.confirm(_caller(log_in, credential), request.code)
            return Done()

        outcome = idempotency.once(app, credential.api_key, Done, effect)
        standing = enrolments.standing(holder_of(credential))
        return json_response(FactorView(**standing._asdict()), headers=outcome.headers)


def add_policy(
    app: ApiResolver,
    log_in: LogInRoutes,
    enrolments: Enrolments,
    policies: ClientPolicies,
    idempotency: Idempotency,
) -> None:
    """Add the routes about which orders of a client need a second factor."""

    def protection(client_id: str) -> ProtectionView:
        standing = enrolments.standing(f"client/{client_id}")
        return ProtectionView(**standing._asdict(), policy=Policy.of(policies.of(client_id)))

    @app.get(PATH, permission="orders:read", summary="Show the second factor", tags=TAGS)
    def show_second_factor() -> ProtectionView:
        """Whether there is a second factor, how many recovery codes are left, and which orders need
        one.
        """
        return protection(app.principal.client_id)

    @app.put(
        f"{PATH}/policy",
        permission=None,
        summary="Say which orders need a second factor",
        tags=TAGS,
    )
    def set_second_factor_policy(
        request: Annotated[NewPolicy, Body()],
    ) -> Response[ProtectionView]:
        """Say which orders need a second factor: none, all, or those worth more than an amount at
        their worst price. Say also whether an operator needs a code of the client for each
        withdrawal. Every worker applies the policy to orders within ten seconds.
        """
        credential = log_in.checked(request.api_key, request.api_secret)

        def effect() -> Done:
            caller = _caller(log_in, credential)
            client_id, above = credential.client_id, request.above()
            policies.set(caller, client_id, above, request.withdrawals, request.code)
            return Done()

        outcome = idempotency.once(app, credential.api_key, Done, effect)
        return json_response(protection(credential.client_id), headers=outcome.headers)


def _caller(log_in: LogInRoutes, credential: Credential) -> Caller:
    who = f"{credential.client_id} ({credential.api_key})"
    return Caller(holder_of(credential), who, log_in.request_of(credential))
