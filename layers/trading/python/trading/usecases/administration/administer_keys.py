"""Disable and enable API keys: a key of a client, or an operator with every key. Register public
keys.
"""

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

        action, done = _words(status)
        with announced(
            self.audit, operator, f"client/{client_id}", f"{action}-key", done, api_key=api_key
        ):
            (changed,) = self._change(
                self.clients,
                lambda: (self._key_of(client_id, api_key),),
                lambda key: _with_status(key, status),
            )
            return changed

    def set_public_key(
        self, client_id: str, api_key: str, public_key: str | None, operator: Operator
    ) -> Credential:
        """Register the public key of a client's program, or remove it. The tokens of the API key
        end. Raises NotFoundError.
        """
        with announced(
            self.audit,
            operator,
            f"client/{client_id}",
            "set-public-key",
            "registered" if public_key else "removed",
            api_key=api_key,
            public_key=public_key or "none",
        ):
            (changed,) = self._change(
                self.clients,
                lambda: (self._key_of(client_id, api_key),),
                lambda key: _with_public_key(key, public_key),
            )
            return changed

    def _key_of(self, client_id: str, api_key: str) -> Credential:
        credential = self.clients.credential(api_key)
        if credential is None or credential.client_id != client_id:
            raise NotFoundError("This client has no such API key.", field="api_key")
        return credential

    def set_operator(
        self, name: str, status: CredentialStatus, operator: Operator
    ) -> Sequence[Credential]:
        """Disable or enable every key of an operator. Raises NotFoundError, OwnStatusError."""
        action, done = _words(status)
        with announced(self.audit, operator, f"operator/{name}", action, done):
            if name == operator.name:
                raise OwnStatusError("Another operator must do this.", field="operator")
            return self._change(
                self.operators,
                lambda: self.keys_of(name),
                lambda key: _with_status(key, status),
            )

    def keys_of(self, name: str) -> tuple[Credential, ...]:
        """The keys of an operator. Raises NotFoundError."""
        found = map(self.operators.credential, self.operators.api_keys(name))
        keys = tuple(each for each in found if each)
        if not keys:
            raise NotFoundError("There is no such operator.", field="operator")
        return keys

    @on_fresh_state
    def _change(
        self,
        keys: Keys,
        found: Callable[[], Sequence[Credential]],
        wanted: Callable[[Credential], Credential],
    ) -> tuple[Credential, ...]:
        """`wanted`: the key as it should be, or the same object if it is already so."""
        known = found()
        changed = [after for each in known if (after := wanted(each)) is not each]
        if changed:
            keys.commit(*changed)
        saved = {each.api_key: each.saved() for each in changed}
        result = tuple(saved.get(each.api_key, each) for each in known)
        for each in result:
            if each.generation:  # only after the commit: a log-in before it gets a refused token
                self.ended_tokens.end_before(each.api_key, each.generation)
        return result


def _with_status(key: Credential, status: CredentialStatus) -> Credential:
    return key if key.status is status else key.with_status(status)


def _with_public_key(key: Credential, public_key: str | None) -> Credential:
    return key if key.public_key == public_key else key.with_public_key(public_key)


def _words(status: CredentialStatus) -> tuple[str, str]:
    """The audit log's words for a change, before it and after it."""
    return ("enable", "enabled") if status is CredentialStatus.ACTIVE else ("disable", "disabled")
