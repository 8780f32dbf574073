"""What the admin API shows of operators."""

from collections.abc import Sequence
from typing import Self

from trading.adapters.faces.admin import ApiKeyView
from trading.domain.clients.credentials import Credential, CredentialStatus
from trading.domain.clients.roles import Role
from trading.domain.values import Frozen


class OperatorView(Frozen):
    """An operator. The status is ACTIVE as long as one of the keys is."""

    operator: str
    status: CredentialStatus
    roles: tuple[Role, ...]
    api_keys: tuple[ApiKeyView, ...]

    @classmethod
    def of(cls, keys: Sequence[Credential]) -> Self:
        """The operator with these keys, of which there is at least one."""
        is_active = any(each.is_active for each in keys)
        return cls(
            operator=keys[0].client_id,
            status=CredentialStatus.ACTIVE if is_active else CredentialStatus.INACTIVE,
            roles=tuple(sorted({role for each in keys for role in each.roles})),
            api_keys=tuple(map(ApiKeyView.of, keys)),
        )
