"""What operators send, and what the admin API shows them."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from trading.adapters.http.amounts import DECIMAL_FORMS, Amount, AmountOrZero, Percent
from trading.adapters.http.fields import Code, FreeText, Name, Quantity, Symbol
from trading.domain import patterns
from trading.domain.accounts.advances import Closure
from trading.domain.accounts.cash import Account
from trading.domain.clients.client import Client, ClientStatus, Limits
from trading.domain.clients.credentials import Credential, CredentialStatus
from trading.domain.clients.second_factor import FactorStatus
from trading.domain.ledger import ClosedAdvance, Deposit, Withdrawal
from trading.domain.patterns import whole
from trading.domain.reference.instruments import Instrument
from trading.domain.values import Frozen, Money, Timestamp
from trading.usecases.administration.administer_clients import ClientFile, IssuedSecret
from trading.usecases.administration.transfer_assets import Cash, Shares

CASH: dict[str, Any] = {
    "properties": {
        "amount": DECIMAL_FORMS,
        "symbol": {"type": "null"},
        "quantity": {"type": "null"},
    },
    "required": ["amount"],
}
SHARES: dict[str, Any] = {
    "properties": {
        "amount": {"type": "null"},
        "symbol": {"type": "string"},
        "quantity": {"type": "integer"},
    },
    "required": ["symbol", "quantity"],
}
ROTATED: dict[str, Any] = {"properties": {"newest_was_lost": {"enum": [False]}}}
REISSUED: dict[str, Any] = {
    "properties": {"newest_was_lost": {"enum": [True]}, "grace_hours": {"type": "null"}},
    "required": ["newest_was_lost"],
}
"""Fields that go together, for the API documents."""
ISSUED_BEFORE = (
    "The secret was in the first answer and is not kept. If that did not arrive, rotate it with "
    "`newest_was_lost`."
)


class Change(Frozen):
    """A change by an operator. Its `reason` goes into the audit log."""

    NOT_IN_PROPOSAL: ClassVar[frozenset[str]] = frozenset({"reason"})
    """The reason stands beside the fields of a proposal."""

    reason: FreeText = Field(min_length=1, max_length=500)

    def in_proposal(self) -> str:
        """The fields that a proposal keeps, as a JSON object."""
        return self.model_dump_json(exclude=set(self.NOT_IN_PROPOSAL), exclude_none=True)


class NewClient(Change):
    """A client to open an account for."""

    client_id: str = Field(pattern=whole(patterns.NEW_CLIENT_ID))
    name: FreeText = Field(min_length=1, max_length=200)
    margin_percent: Percent = Decimal("100.00")
    credit_limit: AmountOrZero = Decimal("0.00")
    daily_trading_limit: Amount
    settlement_account: Name


class NewLimits(Change):
    """All limits of a client. `version` is the version of the client that the operator has seen."""

    version: int = Field(ge=1, strict=True)
    margin_percent: Percent
    credit_limit: AmountOrZero
    daily_trading_limit: Amount

    def limits(self) -> Limits:
        return Limits(
            margin_percent=self.margin_percent,
            credit_limit=self.credit_limit,
            daily_trading_limit=self.daily_trading_limit,
        )


class Signing(Change):
    """Whether each request of the client that places, replaces or cancels orders must be signed."""

    required: bool = Field(strict=True)


class NewPublicKey(Change):
    """A public key to register for an API key, or null to remove it. `public_key` is sent as one of
    Ed25519 in PEM, and read as it is stored: 32 bytes, in base64.
    """

    public_key: Annotated[str, Field(pattern=whole(patterns.PUBLIC_KEY))] | None

    @field_validator("public_key")
    @classmethod
    def _stored(cls, value: str | None) -> str | None:
        # What reads the key takes long to import, and most workers never need it.
        from trading.adapters.identity.signature_keys import read_public_key

        return None if value is None else read_public_key(value)


class SecondFactorReset(Frozen):
    """The client whose second factor was ended."""

    client_id: str
    status: Literal[FactorStatus.NONE] = FactorStatus.NONE


class Rotation(Change):
    """A new secret for an API key.

    The present secret stays valid for `grace_hours`, by default 24. With 0, it ends immediately. If
    the newest secret never arrived, set `newest_was_lost`: the newest secret ends immediately, and
    the one before it keeps its time.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [ROTATED, REISSUED]})

    api_key: Name
    grace_hours: int | None = Field(default=None, ge=0, le=168, strict=True)
    newest_was_lost: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _grace_or_lost(self) -> Self:
        if self.newest_was_lost and self.grace_hours is not None:
            raise ValueError(
                "no grace_hours with newest_was_lost: the secret before it keeps its time"
            )
        return self

    def grace(self) -> timedelta | None:
        """How long the present secret stays valid. None means that it was lost."""
        return (
            None
            if self.newest_was_lost
            else timedelta(hours=24 if self.grace_hours is None else self.grace_hours)
        )


class TransferRequest(Change):
    """A transfer of cash (`amount`) or shares (`symbol`, `quantity`), under its own reference."""

    reference: str = Field(pattern=whole(patterns.PAYMENT_REFERENCE))
    amount: Amount | None = None
    symbol: Symbol | None = None
    quantity: Quantity | None = None

    model_config = ConfigDict(json_schema_extra={"anyOf": [CASH, SHARES]})

    @model_validator(mode="after")
    def _cash_or_shares(self) -> Self:
        if (self.amount is None) == (self.symbol is None) or (self.symbol is None) != (
            self.quantity is None
        ):
            raise ValueError("either an amount of cash, or symbol and quantity of shares")
        return self

    def what(self) -> Cash | Shares:
        if self.amount is not None:
            return Cash(amount=self.amount)
        return Shares(symbol=self.symbol or "", quantity=self.quantity or 0)


class NewWithdrawal(TransferRequest):
    """Cash or shares that leave. Shares take their part of the position's cost with them. `code`:
    of the client's authenticator, if the client protects withdrawals.
    """

    NOT_IN_PROPOSAL = Change.NOT_IN_PROPOSAL | {"code"}
    """The code is used up."""

    code: Code | None = None

    def without_code(self) -> Self:
        return self.but(code=None)


class NewDeposit(TransferRequest):
    """Cash or shares that come in. `cost` is what the client paid for all of the shares."""

    cost: AmountOrZero | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {**CASH, "properties": {**CASH["properties"], "cost": {"type": "null"}}},
                {
                    "properties": {**SHARES["properties"], "cost": DECIMAL_FORMS},
                    "required": [*SHARES["required"], "cost"],
                },
            ]
        }
    )

    @model_validator(mode="after")
    def _shares_have_a_cost(self) -> Self:
        if (self.cost is None) != (self.symbol is None):
            raise ValueError("shares come with their cost, cash has none")
        return self

    def what(self) -> Cash | Shares:
        what = super().what()
        return what.at_cost(self.cost) if isinstance(what, Shares) else what


class AdvanceClosure(Change):
    """The end of an advance of the error account: what the client pays back. The broker writes off
    the rest. `reference` names the case in the operator's own records.
    """

    reference: str = Field(pattern=whole(patterns.PAYMENT_REFERENCE))
    repaid_cash: AmountOrZero
    repaid_shares: int = Field(ge=0, le=1_000_000_000, strict=True)

    def closure(self) -> Closure:
        return Closure.model_validate(self.model_dump(exclude={"reason"}))


class ProfileView(Frozen):
    """A client's profile. `version` counts its changes. Orders worth more than the amount
    `second_factor_above` need a second factor. `second_factor_to_withdraw` says whether each
    withdrawal needs a code of the client.
    """

    client_id: str
    name: str
    status: ClientStatus
    margin_percent: Money
    credit_limit: Money
    daily_trading_limit: Money
    settlement_account: str
    currency: str
    signed_orders: bool
    second_factor_above: Money | None
    second_factor_to_withdraw: bool
    version: int

    @classmethod
    def of(cls, client: Client) -> Self:
        return cls.model_validate(client.model_dump(exclude={"fingerprint", "first_api_key"}))


class SuspensionView(ProfileView):
    """A suspended client, and the number of its open orders that are being canceled."""

    orders_to_cancel: int


class AccountView(Frozen):
    """Cash and credit. `credit_available` + `credit_held` + `credit_used` is the credit limit."""

    available: Money
    held: Money
    unsettled: Money
    credit_available: Money
    credit_held: Money
    credit_used: Money

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls.model_validate(account.model_dump(include=set(cls.model_fields)))


class ApiKeyView(Frozen):
    """An API key. `previous_secret_valid_until` is null if the secret was never rotated.
    `public_key` is the registered one: 32 bytes, in base64.
    """

    api_key: str
    status: CredentialStatus
    permissions: tuple[str, ...]
    previous_secret_valid_until: Timestamp | None
    public_key: str | None

    @classmethod
    def of(cls, credential: Credential) -> Self:
        """The key without its hashes."""
        return cls(
            api_key=credential.api_key,
            status=credential.status,
            permissions=credential.permissions,
            previous_secret_valid_until=credential.previous_valid_until,
            public_key=credential.public_key,
        )


class ClientView(ProfileView):
    """A client with its account and API keys. A new key may be missing for a moment."""

    account: AccountView
    api_keys: tuple[ApiKeyView, ...]

    @classmethod
    def of_file(cls, file: ClientFile) -> Self:
        return cls(
            **dict(ProfileView.of(file.client)),
            account=AccountView.of(file.account),
            api_keys=tuple(map(ApiKeyView.of, file.credentials)),
        )


class IssuedSecretView(Frozen):
    """An API key and its new secret. Only the first answer has the secret. In any other it is null,
    with a `note`.
    """

    client_id: str
    api_key: str
    api_secret: str | None = None
    previous_secret_valid_until: Timestamp | None
    note: str | None = None

    @classmethod
    def of(cls, issued: IssuedSecret) -> Self:
        """The view for the idempotency record: everything but the secret."""
        return cls(
            client_id=issued.credential.client_id,
            api_key=issued.credential.api_key,
            previous_secret_valid_until=issued.credential.previous_valid_until,
            note=ISSUED_BEFORE,
        )

    def with_secret(self, secret: str) -> Self:
        """The view for the first answer."""
        return self.but(api_secret=secret, note=None)


class TransferView(Frozen):
    """A deposit or withdrawal as it was booked."""

    transfer_id: str
    client_id: str
    kind: str
    reference: str
    asset: str
    amount: Money
    cost: Money | None
    booked_at: Timestamp

    @classmethod
    def of(cls, entry: Deposit | Withdrawal) -> Self:
        """The amount is positive in both directions."""
        return cls(
            transfer_id=entry.trade_id,
            client_id=entry.client_id,
            kind=entry.kind,
            reference=entry.reference,
            asset=entry.postings[0].asset,
            amount=abs(entry.postings[0].amount),
            cost=entry.cost,
            booked_at=entry.booked_at,
        )


class ClosedAdvanceView(Frozen):
    """An advance of the error account as it was closed. `trade_id` is that of the reversal."""

    trade_id: str
    client_id: str
    order_id: str
    reference: str
    symbol: str
    currency: str
    repaid_cash: Money
    repaid_shares: int
    written_off_cash: Money
    written_off_shares: int
    booked_at: Timestamp

    @classmethod
    def of(cls, entry: ClosedAdvance) -> Self:
        return cls.model_validate(entry.model_dump(include=set(cls.model_fields)))


class InstrumentView(Frozen):
    """An instrument. `tradable` says whether new orders in it are accepted."""

    symbol: str
    name: str
    tradable: bool

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        return cls(symbol=instrument.symbol, name=instrument.name, tradable=instrument.tradable)
