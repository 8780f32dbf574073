"""What the admin API shows of the key of an exchange."""

from typing import Self

from trading.domain.clients.credentials import CredentialStatus
from trading.domain.clients.venue_keys import VenueKey
from trading.domain.values import Frozen


class VenueKeyView(Frozen):
    """The key of an exchange. While it is INACTIVE, the reports of the exchange are refused."""

    venue: str
    status: CredentialStatus

    @classmethod
    def of(cls, key: VenueKey) -> Self:
        return cls(venue=key.exchange_id, status=key.key_status)
