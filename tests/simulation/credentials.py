"""The API keys of all who call the APIs in a run."""

from __future__ import annotations

from tests.simulation.cloud import Cloud
from tests.simulation.disablings import SPARE
from tests.simulation.names import STAGE
from tests.simulation.registrations import NEWCOMER, REGISTER
from tests.simulation.rights import PERMISSIONS, lacking
from tests.simulation.scenario import Scenario
from tests.simulation.sessions import CLERK, DEPUTY, OPERATOR, Login, program_of
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import public_key_of
from trading.domain.clients.credentials import (
    CLIENT_AUDIENCE,
    CLIENT_PERMISSIONS,
    INTERNAL_AUDIENCE,
    Credential,
)

SECRET = "a secret of the simulation"
AUDIENCES = {"public": CLIENT_AUDIENCE, "internal": INTERNAL_AUDIENCE}


class Credentials:
    """Creates API keys, and knows what each name logs in with."""

    def __init__(self, cloud: Cloud, seed: str) -> None:
        self.logins: dict[str, Login] = {}
        self._cloud = cloud
        self._seed = seed

    def create(self, scenario: Scenario) -> None:
        """Create the keys of operators, of clients and their programs, and of callers who lack one
        permission.
        """
        for who in (OPERATOR, DEPUTY, CLERK):
            self._add(who, who, "internal", PERMISSIONS["internal"], is_program=who != CLERK)
        for trader in scenario.traders:
            client_id = trader.client_id
            self._add(client_id, client_id, signs=trader.signs)
            self._add(program_of(client_id), client_id, signs=trader.signs, is_program=True)
        client_id = scenario.traders[0].client_id
        self._add(SPARE, client_id)
        if any(action.what == REGISTER for action in scenario.actions):
            self._add(NEWCOMER, client_id)
        for api, owner in (("public", client_id), ("internal", OPERATOR)):
            for permission in PERMISSIONS[api]:
                others = tuple(each for each in PERMISSIONS[api] if each != permission)
                self._add(lacking(permission), owner, api, others, is_program=api == "internal")

    def _add(
        self,
        name: str,
        owner: str,
        api: str = "public",
        permissions: tuple[str, ...] = CLIENT_PERMISSIONS,
        *,
        signs: bool = False,
        is_program: bool = False,
    ) -> None:
        """Add an API key. That of a program has a registered key."""
        program = f"{self._seed}/{name}" if is_program else ""
        credential = Credential(
            api_key=f"key-{name}",
            client_id=owner,
            secrets=(passwords.stored(SECRET),),
            permissions=permissions,
            audience=AUDIENCES[api],
            public_key=public_key_of(program) if program else None,
        )
        self._cloud.dynamodb.call(
            "PutItem",
            {"TableName": f"{STAGE}-credentials", "Item": to_item(credential.model_dump())},
        )
        self.logins[name] = Login(credential.api_key, SECRET, api, signs, program)
