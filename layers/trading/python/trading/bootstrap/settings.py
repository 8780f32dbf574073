"""The settings of the functions, by the group of objects that is made from them.

This module imports no AWS client and no adapter of one: the deployment reads the variables of each
function from these models.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from trading.adapters.runtime.settings import LambdaSettings
from trading.wire import VENUE_URL

PRODUCTION = "prod"


class BooksSettings(LambdaSettings):
    """The tables of the books."""

    accounts_table: str
    clients_table: str
    ledger_table: str
    orders_table: str
    reference_table: str


class PlanSettings(BooksSettings):
    """The settlement plan also sends to the clients' mailboxes."""

    settlement_queue_url: str


class VenueSettings(LambdaSettings):
    """Where the outside world is, and the secrets shared with it.

    `venue_urls` has the base URL of each real exchange by its id, and of the `depository`. Without
    it the venues are simulated: `venues_api_id` and `venues_api_stage` name their API. Stage `prod`
    starts with simulators only if `simulators_allowed` says so.

    Quotes of the consolidated tape are requested from the venue `tape_key_id`, with its key.
    """

    venue_secret_prefix: str
    venue_urls: dict[str, str] = Field(default_factory=dict)
    venues_api_id: str = ""
    venues_api_stage: str = ""
    simulators_allowed: bool = False
    tape_key_id: str = "XNYS"

    @model_validator(mode="after")
    def _has_venues(self) -> Self:
        if self.venue_urls:
            if wrong := [
                name for name, url in self.venue_urls.items() if not re.fullmatch(VENUE_URL, url)
            ]:
                raise ValueError(f"VENUE_URLS: not an https:// address: {', '.join(wrong)}")
            if self.tape_key_id not in self.venue_urls:
                raise ValueError(f"VENUE_URLS has no address for TAPE_KEY_ID={self.tape_key_id}")
        elif not (self.venues_api_id and self.venues_api_stage):
            raise ValueError(
                "no venues: set VENUE_URLS, or VENUES_API_ID and VENUES_API_STAGE (simulators)"
            )
        elif self.stage == PRODUCTION and not self.simulators_allowed:
            raise ValueError(
                "stage prod does not trade with simulators: set VENUE_URLS, or SIMULATORS_ALLOWED"
            )
        return self


class ExchangeKeySettings(LambdaSettings):
    """The registered exchanges: their ids, separated by spaces. Each is the id of a signing key."""

    exchange_ids: str

    @property
    def exchange_key_ids(self) -> frozenset[str]:
        return frozenset(self.exchange_ids.split())


class BooksAndVenueSettings(BooksSettings, VenueSettings):
    """The books and the outside world."""


class ComparisonSettings(BooksAndVenueSettings):
    """The books, the depository, and the table that remembers what is compared.

    A page of the comparison ends after `confirmations_per_page`.
    """

    control_table: str
    confirmations_per_page: int = Field(default=20_000, gt=0)


class BrowserSettings(LambdaSettings):
    """The origins whose pages may call the API from a browser, separated by commas."""

    allowed_origins: str = ""

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(filter(None, self.allowed_origins.split(",")))


class RateLimitSettings(LambdaSettings):
    """The rate limit of an API key, and the table with the counts."""

    control_table: str
    rate_limit_requests: int = Field(default=100, gt=0)
    rate_limit_window_seconds: int = Field(default=10, gt=0)


class SignedRequestSettings(RateLimitSettings):
    """The API keys, and the table that remembers nonces."""

    credentials_table: str


class ClientApiSettings(BooksSettings, BrowserSettings, RateLimitSettings):
    """The books, and the rate limit of an API key."""


class EventFeedSettings(ClientApiSettings):
    """Also the log of the accounts' events."""

    events_table: str


class EventPublisherSettings(LambdaSettings):
    """The bus, and the queue of stream records that cannot be read."""

    event_bus: str
    events_dlq_url: str


class PushesSettings(LambdaSettings):
    """What has events pushed to connected clients: now by the function, later by the queue."""

    connections_table: str
    events_queue_url: str
    push_function: str


class EventLogSettings(PushesSettings):
    """Also the log of the accounts' events."""

    events_table: str


class StreamSettings(PushesSettings, RateLimitSettings):
    """The front of the stream: also the log, and the accounts whose versions count events."""

    accounts_table: str
    events_table: str


class PushSettings(PushesSettings):
    """What connections are told, and the API that leads to them."""

    control_table: str
    events_table: str
    stream_api_id: str
    stream_api_stage: str


class OrdersApiSettings(ClientApiSettings, SignedRequestSettings):
    """What the clients' order API needs."""

    order_lifecycle_arn: str
    execution_queue_url: str
    idempotency_table: str


class CallbacksSettings(ExchangeKeySettings):
    """Where execution reports go, and the secrets that exchanges sign with."""

    execution_queue_url: str
    reference_table: str
    venue_secret_prefix: str


class ExecutionSettings(BooksAndVenueSettings, ExchangeKeySettings):
    """What the execution of orders needs."""

    control_table: str
    clearing_queue_url: str
    order_lifecycle_arn: str
    callbacks_api_id: str


class SweeperSettings(BooksSettings):
    """The books, the workflow of an order, and the mailbox that pushes go to.

    If more than `orders_per_invocation` are due, they are divided among invocations.
    """

    order_lifecycle_arn: str
    execution_queue_url: str
    orders_per_invocation: int = Field(default=500, gt=0)


class DayCloseSettings(BooksSettings):
    """The books, and the mailboxes that expiries and clearings go to.

    A shard of the open orders with more than `orders_per_page` has an invocation of its own.
    """

    clearing_queue_url: str
    execution_queue_url: str
    orders_per_page: int = Field(default=1000, gt=0)


class ReconciliationSettings(LambdaSettings):
    """The tables that are reconciled, and the table that keeps the reports."""

    accounts_table: str
    control_table: str
    ledger_table: str
    orders_table: str


class AuditSettings(LambdaSettings):
    """The audit log."""

    audit_table: str


class InternalApiSettings(BrowserSettings, AuditSettings, SignedRequestSettings):
    """What every function behind the internal API needs."""


class AdministrationSettings(BooksSettings, InternalApiSettings):
    """The books, the audit log, and what an operator looks up or sets going.

    One operator alone books transfers worth up to `transfer_approval_above`, and raises limits up
    to `limit_approval_above`, both in the client's currency.
    """

    limit_approval_above: Decimal = Field(default=Decimal("1000000.00"), ge=0)
    transfer_approval_above: Decimal = Field(default=Decimal("100000.00"), ge=0)
    execution_queue_url: str
    idempotency_table: str
    order_lifecycle_log: str
    factors_table: str
    proposals_table: str
    second_factor_key: str


class TokenSettings(LambdaSettings):
    """The keys that sign access tokens, and how long a token is valid.

    `signing_keys` has the ids of KMS's keys by audience: a JSON object of lists. The first key of
    an audience signs. A function gets only the audiences that it needs.
    """

    signing_keys: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    token_lifetime_seconds: int = Field(default=900, ge=60, le=3600)

    @property
    def token_lifetime(self) -> timedelta:
        return timedelta(seconds=self.token_lifetime_seconds)


class AuthorizerSettings(TokenSettings):
    """Tokens, and the audience of the API behind the authorizer."""

    token_audience: str


class InternalAuthorizerSettings(AuthorizerSettings):
    """Also the API keys, which are read at each request."""

    credentials_table: str


class LogInSettings(TokenSettings, BrowserSettings, RateLimitSettings, AuditSettings):
    """API keys of one audience, the keys that sign its access tokens, and second factors.

    `second_factor_key`: the id of the KMS key that secrets and recovery codes are derived from.
    """

    credentials_table: str
    factors_table: str
    idempotency_table: str
    second_factor_key: str
    token_audience: str


class ClientLogInSettings(LogInSettings):
    """Also the clients that own the API keys."""

    clients_table: str
