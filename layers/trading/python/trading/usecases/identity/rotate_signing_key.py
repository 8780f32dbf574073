"""The rotation of the key that signs access tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trading.domain import identifiers
from trading.domain.values import Frozen
from trading.usecases.ports.identity import SigningKeys

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The periods are counted from here."""


class Rotation(Frozen):
    """The version that a rotation leaves current, and whether this rotation made it."""

    version_id: str
    rotated: bool


@dataclass(frozen=True)
class RotateSigningKey:
    """Rotates once for each period of `every`, however often the schedule fires in it.

    Without a period it rotates once for each time, however often its event is delivered.
    """

    keys: SigningKeys
    key_name: str

    def __call__(self, scheduled_at: datetime, every: timedelta | None = None) -> Rotation:
        began = scheduled_at - (scheduled_at - EPOCH) % every if every else scheduled_at
        version_id = identifiers.signing_key_version(self.key_name, began)
        return Rotation(version_id=version_id, rotated=self.keys.add(version_id))
