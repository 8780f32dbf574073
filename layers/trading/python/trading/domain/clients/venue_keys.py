"""The key of an exchange: the id and the secret with which it signs its reports."""

from trading.domain.clients.credential_status import CredentialStatus
from trading.domain.values import Frozen


class VenueKey(Frozen):
    """Whether reports with the key of an exchange are accepted. A key is active until somebody
    disables it.

    exchange_id: the id of the exchange, which is the id of its key too.
    """

    exchange_id: str
    key_status: CredentialStatus = CredentialStatus.ACTIVE

    @property
    def is_active(self) -> bool:
        return self.key_status is CredentialStatus.ACTIVE
