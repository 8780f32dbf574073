"""The rotation of the key that signs access tokens."""

from dataclasses import dataclass
from datetime import datetime

from trading.domain import identifiers
from trading.domain.values import Frozen
from trading.usecases.ports.identity import SigningKeys


class Rotation(Frozen):
    """The version that a rotation leaves current, and whether this rotation made it."""

    version_id: str
    rotated: bool


@dataclass(frozen=True)
class RotateSigningKey:
    """Rotates once for each time that the schedule fires, however often its event is delivered."""

    keys: SigningKeys
    key_name: str

    def __call__(self, scheduled_at: datetime) -> Rotation:
        version_id = identifiers.signing_key_version(self.key_name, scheduled_at)
        return Rotation(version_id=version_id, rotated=self.keys.add(version_id))
