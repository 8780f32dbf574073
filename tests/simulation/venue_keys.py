"""A leaked secret of an exchange: its key is disabled and enabled again."""

from __future__ import annotations

from random import Random

from tests.simulation.api_gateway import Answer
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import Intruders
from tests.simulation.market import EXCHANGE_IDS, TRADING_SECONDS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import OPERATOR, Sessions

FORGED = 3
TRIES, PAUSE = 30, 60.0
"""The operator tries to enable the key so often, with this pause in seconds."""


def leaked_secrets(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In some runs, the key of an exchange is disabled for a while."""
    is_tried, at = random.random() < 0.3, random.random() * TRADING_SECONDS
    fields = {
        "venue": random.choice(EXCHANGE_IDS),
        "client": traders[0].client_id,
        "lasts": random.choice((1, 30, 600)) * random.random(),
    }
    return [Action(at, OPERATOR, "disable a venue", fields)] if is_tried else []


class VenueKeys:
    """Disables the key of an exchange, and sends forged reports with it."""

    def __init__(
        self, cloud: Cloud, sessions: Sessions, trail: AuditTrail, intruders: Intruders
    ) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail
        self._intruders = intruders

    def disable(self, action: Action) -> None:
        """Disable the key, and enable it again. After the answer, no report with it is accepted, be
        it forged or not.
        """
        process = current()
        assert process is not None
        venue = action.fields["venue"]
        if self._change(action, "disable", 0).status == 200:
            self._audited(venue, "disable-key", "disabled")
            self._cloud.disabled_venues[venue] = self._cloud.engine.now
            for _ in range(FORGED):
                self._intruders.forge_with_leaked_secret(action)
            process.sleep(action.fields["lasts"])
            del self._cloud.disabled_venues[venue]
        for number in range(TRIES):
            if self._change(action, "enable", number).status == 200:
                self._audited(venue, "enable-key", "enabled")
                return
            process.sleep(PAUSE)

    def _change(self, action: Action, change: str, number: int) -> Answer:
        path = f"/api/v1/admin/venues/{action.fields['venue']}/key/{change}"
        key = f"{change}-venue-{action.at}-{number}"
        return self._sessions.request(OPERATOR, "PUT", path, key, {"reason": "simulated"})

    def _audited(self, venue: str, *words: str) -> None:
        for word in words:
            self._trail.require(f"venue/{venue}", word)
