"""The settings of the functions, by the group of objects that is made from them.

This module imports no AWS client and no adapter of one: the deployment reads the variables of each
function from these models.
"""

from pydantic import Field

from trading.adapters.runtime.settings import LambdaSettings


class BooksSettings(LambdaSettings):
    """The tables of the books."""

    accounts_table: str
    clients_table: str
    ledger_table: str
    orders_table: str
    reference_table: str


class VenueSettings(LambdaSettings):
    """Where the outside world is, and the secrets shared with it.

    Quotes of the consolidated tape are requested with the key `tape_key_id`.
    """

    venue_secret_prefix: str
    venues_api_id: str
    venues_api_stage: str
    tape_key_id: str = "XNYS"


class BooksAndVenueSettings(BooksSettings, VenueSettings):
    """The books and the outside world."""


class ClientApiSettings(BooksSettings):
    """The books, and the rate limit of an API key."""

    control_table: str
    rate_limit_requests: int = Field(default=100, gt=0)
    rate_limit_window_seconds: int = Field(default=10, gt=0)


class OrdersApiSettings(ClientApiSettings):
    """What the clients' order API needs."""

    order_lifecycle_arn: str
    execution_queue_url: str
    idempotency_table: str


class CallbacksSettings(LambdaSettings):
    """Where execution reports go, and the secrets that exchanges sign with."""

    idempotency_table: str
    execution_queue_url: str
    venue_secret_prefix: str


class ExecutionSettings(BooksAndVenueSettings):
    """What the execution of orders needs."""

    control_table: str
    clearing_queue_url: str
    order_lifecycle_arn: str
    public_api_id: str
    public_api_stage: str


class SweeperSettings(BooksSettings):
    """The books, the workflow of an order, and the mailbox that pushes go to."""

    order_lifecycle_arn: str
    execution_queue_url: str


class DayCloseSettings(BooksSettings):
    """The books, and the mailboxes that expiries and clearings go to."""

    clearing_queue_url: str
    execution_queue_url: str


class ReconciliationSettings(LambdaSettings):
    """The tables that are reconciled, and the table that keeps the reports."""

    accounts_table: str
    control_table: str
    ledger_table: str
    orders_table: str


class AdministrationSettings(BooksSettings):
    """The books, the API keys, the audit log, and what an operator looks up or sets going."""

    audit_table: str
    control_table: str
    credentials_table: str
    execution_queue_url: str
    idempotency_table: str
    order_lifecycle_arn: str


class SigningKeySettings(LambdaSettings):
    """The key that signs access tokens."""

    signing_key_secret_id: str


class AuthorizerSettings(SigningKeySettings):
    """The key that signs access tokens, and the audience of the API behind the authorizer."""

    token_audience: str


class LogInSettings(SigningKeySettings):
    """API keys, the clients that own them, and the key that signs access tokens."""

    credentials_table: str
    clients_table: str
    control_table: str
    idempotency_table: str
    token_lifetime_seconds: int = Field(default=900, ge=60, le=3600)
