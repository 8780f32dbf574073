"""Disable and enable API keys: a key of a client, or an operator with every key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trading.domain.clients.credentials import Credential, CredentialStatus
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.usecases.administration.operator_actions import AuditTrail, Operator, announced
from trading.usecases.ports import NotFoundError
from trading.usecases.ports.identity import EndedTokens
from trading.usecases.retrying import on_fresh_state


class OwnStatusError(DomainError):
    """An operator may not change an own status."""

    code = ErrorCode.OWN_STATUS
    kind = ErrorKind.FORBIDDEN


class Keys(Protocol):
    """The API keys of one audience. `api_keys` reads an index, which lags behind by moments."""

    def credential(self, api_key: str) -> Credential | None: ...
    def api_keys(self, client_id: str) -> Sequence[str]: ...
    def commit(self, *changes: Credential) -> None: ...


@dataclass(frozen=True)
class AdministerKeys:
    """Each change is announced in the audit log, names a state, and may be repeated.

    A disabled key cannot log in, and its tokens end at once. They stay ended when the key is
    enabled again.
    """

    clients: Keys
    operators: Keys
    audit: AuditTrail
    ended_tokens: EndedTokens

    def set_key(
        self, client_id: str, api_key: str, status: CredentialStatus, operator: Operator
    ) -> Credential:
        """Disable or enable a key of a client. Raises NotFoundError."""

        def found() -> tuple[Credential, ...]:
            credential = self.clients.credential(api_key)
            if credential is None or credential.client_id != client_id:
                raise NotFoundError("This client has no such API key.", field="api_key")
            return (credential,)

        action, done = _words(status)
        with announced(
            self.audit, operator, f"client/{client_id}", f"{action}-key", done, api_key=api_key
        ):
            (changed,) = self._set(self.clients, found, status)
            return changed

    def set_operator(
        self, name: str, status: CredentialStatus, operator: Operator
    ) -> Sequence[Credential]:
        """Disable or enable every key of an operator. Raises NotFoundError, OwnStatusError."""
        action, done = _words(status)
        with announced(self.audit, operator, f"operator/{name}", action, done):
            if name == operator.name:
                raise OwnStatusError("Another operator must do this.", field="operator")
            return self._set(self.operators, lambda: self.keys_of(name), status)

    def keys_of(self, name: str) -> tuple[Credential, ...]:
        """The keys of an operator. Raises NotFoundError."""
        found = map(self.operators.credential, self.operators.api_keys(name))
        keys = tuple(each for each in found if each)
        if not keys:
            raise NotFoundError("There is no such operator.", field="operator")
        return keys

    @on_fresh_state
    def _set(
        self, keys: Keys, found: Callable[[], Sequence[Credential]], status: CredentialStatus
    ) -> tuple[Credential, ...]:
        known = found()
        changed = [each.with_status(status) for each in known if each.status is not status]
        if changed:
            keys.commit(*changed)
        saved = {each.api_key: each.saved() for each in changed}
        result = tuple(saved.get(each.api_key, each) for each in known)
        for each in result:
            if each.generation:  # only after the commit: a log-in before it gets a refused token
                self.ended_tokens.end_before(each.api_key, each.generation)
        return result


def _words(status: CredentialStatus) -> tuple[str, str]:
    """The audit log's words for a change, before it and after it."""
    return ("enable", "enabled") if status is CredentialStatus.ACTIVE else ("disable", "disabled")
