"""The administration of clients: open, suspend and activate them, set limits, and issue secrets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from trading.domain.accounts.cash import Account
from trading.domain.clients.client import Client, ClientStatus, Limits
from trading.domain.clients.credentials import (
    CLIENT_AUDIENCE,
    CLIENT_PERMISSIONS,
    Credential,
    StoredSecret,
)
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.usecases.administration.operator_actions import (
    Approval,
    AuditTrail,
    Operator,
    Registry,
    TriedOut,
    account_of,
    announced,
    facts_of,
    written_with,
)
from trading.usecases.orders.cancel_order import RequestCancel
from trading.usecases.ports import Clock, NotFoundError, StaleError
from trading.usecases.ports.identity import EndedTokens
from trading.usecases.retrying import on_fresh_state

NewSecret = Callable[[], tuple[str, StoredSecret]]
"""Makes a new secret and what is stored of it."""
NewApiKey = Callable[[str], str]
"""Makes a new API key of a client."""


class ClientExistsError(DomainError):
    """Another request has created a client with this id."""

    code = ErrorCode.CLIENT_EXISTS
    kind = ErrorKind.CONFLICT


class ClientIdReservedError(DomainError):
    """The id is not a client's."""

    code = ErrorCode.CLIENT_ID_RESERVED
    kind = ErrorKind.CONFLICT


class VersionConflictError(DomainError):
    """The client has changed since it was read."""

    code = ErrorCode.VERSION_CONFLICT
    kind = ErrorKind.CONFLICT


class ClientFile(NamedTuple):
    """A client with everything that is stored of it, except orders and positions."""

    client: Client
    account: Account
    credentials: Sequence[Credential]


class IssuedSecret(NamedTuple):
    """An API key and its new secret. The secret is None if it was issued before, because it is
    shown only once.
    """

    credential: Credential
    secret: str | None


def _subject(client_id: str) -> str:
    return f"client/{client_id}"


def _check_seen(client: Client, version: int) -> None:
    """Raise VersionConflictError if the client has changed since this version."""
    if client.version != version:
        raise VersionConflictError(
            "the client was changed meanwhile; look at it again",
            field="version",
            details={"version": str(client.version)},
        )


def _text(limits: Limits) -> dict[str, str]:
    return {name: str(value) for name, value in limits}


@dataclass(frozen=True)
class AdministerClients:
    """Every change is written to the audit log before and after it. It is committed on the version
    that was read, and it may be repeated.
    """

    registry: Registry
    audit: AuditTrail
    ended_tokens: EndedTokens
    cancel: RequestCancel
    new_secret: NewSecret
    new_api_key: NewApiKey
    clock: Clock

    def show(self, client_id: str) -> ClientFile:
        client = self._client(client_id)
        return ClientFile(client, self.registry.account(client_id), self._credentials(client))

    def _credentials(self, client: Client) -> list[Credential]:
        """The client's API keys. The index may not know the first one yet."""
        keys = dict.fromkeys(self.registry.api_keys(client.client_id))
        if client.first_api_key:
            keys[client.first_api_key] = None
        found = map(self.registry.credential, keys)
        return [each for each in found if each]

    def create(self, client: Client, operator: Operator) -> IssuedSecret:
        """Open an account for a client and issue its first API key, in one transaction. The
        fingerprint of the client is that of the request.

        A repeated request gets the same API key without its secret. Raises ClientExistsError,
        ClientIdReservedError.
        """
        secret, stored = self.new_secret()
        credential = Credential(
            api_key=self.new_api_key(client.client_id),
            client_id=client.client_id,
            secrets=(stored,),
            permissions=CLIENT_PERMISSIONS,
            audience=CLIENT_AUDIENCE,
        )
        account = Account(client_id=client.client_id, currency=client.currency).with_credit_limit(
            client.credit_limit
        )
        client = client.with_first_api_key(credential.api_key)
        details = _text(client.limits) | {"settlement_account": client.settlement_account}
        with announced(
            self.audit, operator, _subject(client.client_id), "create", "created", **details
        ) as outcome:
            issued = self._create(client, account, credential, secret)
            outcome["api_key"] = issued.credential.api_key
            return issued

    @on_fresh_state
    def _create(
        self, client: Client, account: Account, credential: Credential, secret: str
    ) -> IssuedSecret:
        if self.registry.is_reserved(client.client_id):
            raise ClientIdReservedError(
                f"a client cannot be called {client.client_id}", field="client_id"
            )
        try:
            self.registry.commit(client, account, credential)
        except StaleError:
            existing = self.registry.profile(client.client_id)
            if existing is None:
                raise
            issued = self._issued_before(existing, client.fingerprint)
            if issued is None:
                raise ClientExistsError(
                    f"there is a client {client.client_id} already", field="client_id"
                ) from None
            return IssuedSecret(issued, None)
        return IssuedSecret(credential, secret)

    def _issued_before(self, existing: Client, fingerprint: str | None) -> Credential | None:
        """The first API key of a client, if this request created the client."""
        if existing.first_api_key is None or existing.fingerprint != fingerprint:
            return None
        return self.registry.credential(existing.first_api_key)

    def suspend(self, client_id: str, operator: Operator) -> tuple[Client, int]:
        """Suspend a client: from now on, it cannot log in, its tokens have ended, and its new
        orders are rejected. The answer is the number of its open orders, all of which are being
        canceled. Raises NotFoundError.
        """
        with announced(self.audit, operator, _subject(client_id), "suspend", "suspended"):
            client = self._set_status(client_id, ClientStatus.INACTIVE)
            for credential in self._credentials(client):
                self._end_tokens(credential)
            return client, self.cancel.of_suspended(client_id)

    def activate(self, client_id: str, operator: Operator) -> Client:
        """Let the client log in and trade again. Raises NotFoundError."""
        with announced(self.audit, operator, _subject(client_id), "activate", "activated"):
            return self._set_status(client_id, ClientStatus.ACTIVE)

    @on_fresh_state
    def _set_status(self, client_id: str, status: ClientStatus) -> Client:
        client = self._client(client_id)
        account = account_of(self.registry, client)
        suspended = status is not ClientStatus.ACTIVE
        if client.status is status and account.suspended == suspended:
            return client
        changed = client.with_status(status)
        keys = self._credentials(client) if suspended else ()
        self.registry.commit(
            changed,
            account.with_suspension(suspended),
            *(each.with_ended_tokens() for each in keys),
        )
        return changed.saved()

    def set_limits(
        self,
        client_id: str,
        limits: Limits,
        version: int,
        operator: Operator,
        approval: Approval | None = None,
    ) -> Client:
        """Set a client's limits, and write the approval of their proposal with them. `version` is
        the version of the client that the operator has seen. Credit that is held or drawn stays as
        it is.

        Raises NotFoundError, VersionConflictError.
        """
        details = _text(limits) | facts_of(approval)
        with announced(
            self.audit, operator, _subject(client_id), "set-limits", "limits-set", **details
        ):
            return self._set_limits(client_id, limits, version, approval)

    def try_limits(self, client_id: str, limits: Limits, version: int) -> TriedOut:
        """Raise what setting these limits now would raise."""
        client = self._client(client_id)
        if client.limits != limits:
            _check_seen(client, version)
        return TriedOut(was_made=client.limits == limits)

    @on_fresh_state
    def _set_limits(
        self, client_id: str, limits: Limits, version: int, approval: Approval | None
    ) -> Client:
        client = self._client(client_id)
        if approval and approval.is_written:  # others may have set other limits since
            return client
        account = self.registry.account(client_id)
        adjusted = account.with_credit_limit(limits.credit_limit)
        if client.limits == limits and account == adjusted:
            if approval:
                self.registry.commit(approval.proposal)
            return client
        _check_seen(client, version)
        changed = client.with_limits(limits)
        self.registry.commit(changed, adjusted, *written_with(approval))
        return changed.saved()

    def set_signing(self, client_id: str, required: bool, operator: Operator) -> Client:
        """Say whether all orders of a client must be signed. Raises NotFoundError."""
        details = {"required": "yes" if required else "no"}
        with announced(
            self.audit, operator, _subject(client_id), "set-signing", "signing-set", **details
        ):
            return self._set_signing(client_id, required)

    @on_fresh_state
    def _set_signing(self, client_id: str, required: bool) -> Client:
        client = self._client(client_id)
        if client.signed_orders is required:
            return client
        changed = client.with_signed_orders(required)
        self.registry.commit(changed)
        return changed.saved()

    def rotate_secret(
        self,
        client_id: str,
        api_key: str,
        rotation: str,
        grace: timedelta | None,
        operator: Operator,
    ) -> IssuedSecret:
        """Issue a new secret for an API key.

        The present secret stays valid for the grace time, and the one before it ends now. A grace
        of None means that the newest secret was lost. It then ends now, and the one before it,
        which is in use, keeps its time. If a secret ends now, the tokens of the key end with it.

        A repeated rotation issues nothing. Raises NotFoundError.
        """
        secret, stored = self.new_secret()
        previous_valid_until = None if grace is None else self.clock() + grace
        words = (
            ("reissue-secret", "secret-reissued")
            if grace is None
            else ("rotate-secret", "secret-rotated")
        )
        details = {"api_key": api_key} | ({} if grace is None else {"grace": str(grace)})
        with announced(self.audit, operator, _subject(client_id), *words, **details):
            issued = self._rotate(
                client_id, api_key, rotation, (secret, stored), previous_valid_until
            )
            self._end_tokens(issued.credential)
            return issued

    @on_fresh_state
    def _rotate(
        self,
        client_id: str,
        api_key: str,
        rotation: str,
        new: tuple[str, StoredSecret],
        previous_valid_until: datetime | None,
    ) -> IssuedSecret:
        credential = self.registry.credential(api_key)
        if credential is None or credential.client_id != client_id:
            raise NotFoundError("This client has no such API key.", field="api_key")
        if credential.rotation == rotation:
            return IssuedSecret(credential, None)
        (secret, stored), now = new, self.clock()
        if previous_valid_until is None:
            rotated = credential.reissued(stored, rotation, now)
        else:
            rotated = credential.rotated(stored, rotation, previous_valid_until, now)
        self.registry.commit(rotated)
        return IssuedSecret(rotated.saved(), secret)

    def end_tokens(self, client_id: str) -> None:
        """End the tokens of all keys of a client. Raises NotFoundError."""
        for credential in self._with_ended_tokens(client_id):
            self._end_tokens(credential)

    @on_fresh_state
    def _with_ended_tokens(self, client_id: str) -> Sequence[Credential]:
        keys = [each.with_ended_tokens() for each in self._credentials(self._client(client_id))]
        if keys:
            self.registry.commit(*keys)
        return keys

    def _end_tokens(self, credential: Credential) -> None:
        """Only after the commit: before it, a log-in would get a token that is refused."""
        if credential.generation:
            self.ended_tokens.end_before(credential.api_key, credential.generation)

    def _client(self, client_id: str) -> Client:
        client = self.registry.profile(client_id)
        if client is None:
            raise NotFoundError("There is no such client.", field="client_id")
        return client
