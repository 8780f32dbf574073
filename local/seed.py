"""Writes reference data, demo clients and their credentials. What exists stays unchanged."""

import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from infra.catalog.routes import STREAM_STAGE
from infra.constructs.naming import pascal
from local import demo_profiles, deploy
from local.api import Credentials, rest_api_url, stream_url
from local.aws_client import aws_client
from local.demo import (
    DEMO_CLIENTS,
    OPERATORS,
    SMOKE_CLIENT,
    SMOKE_ID,
    DemoClient,
)
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords, signature_keys
from trading.domain.accounts import transfers
from trading.domain.clients.credentials import (
    CLIENT_AUDIENCE,
    CLIENT_PERMISSIONS,
    INTERNAL_AUDIENCE,
    Credential,
)
from trading.domain.clients.roles import Role, permissions_of
from trading.usecases.ports import StaleError
from workstation.local_system import STAGE, LocalError, LocalSystem
from workstation.reference_data import ReferenceTables, of_the_simulated_market

DEMO_CLIENT_IDS = tuple(demo.client.client_id for demo in DEMO_CLIENTS)
CREDENTIALS_BY_ID = TypeAdapter(dict[str, Credentials])


def seed(system: LocalSystem) -> None:
    """Write what is missing."""
    outputs = deploy.outputs(system)
    Seeder(aws_client(system, "dynamodb"), outputs, system.credentials_file).seed()
    public, internal = (
        rest_api_url(system.endpoint, outputs[f"{api}ApiId"], STAGE)
        for api in ("Public", "Internal")
    )
    stream = stream_address(system)
    demo_profiles.write(
        system.profiles_file, "local", public, internal, stream, credentials(system)
    )


def stream_address(system: LocalSystem) -> str:
    """Return the address of the stream."""
    return stream_url(system.endpoint, deploy.outputs(system)["StreamApiId"], STREAM_STAGE)


def credentials(system: LocalSystem) -> dict[str, Credentials]:
    """Return API keys and secrets by client id, with those of the operators.

    Raises LocalError before the first `seed`.
    """
    try:
        return CREDENTIALS_BY_ID.validate_json(system.credentials_file.read_bytes())
    except FileNotFoundError as error:
        raise LocalError(
            "there are no demo clients yet", "Run `make run`, or `make seed`."
        ) from error


def table_names(system: LocalSystem) -> TableNames:
    """Return the names of the tables of the local system."""
    return _table_names(deploy.outputs(system))


def output_of(table: str) -> str:
    """The stack's output with a table's physical name."""
    return f"{pascal(table)}Table"


def _table_names(outputs: Mapping[str, str]) -> TableNames:
    return TableNames(
        **{name: outputs[f"{name.capitalize()}Table"] for name in TableNames.__dataclass_fields__}
    )


class Seeder:
    """Seeds the tables of one deployment with simulated venues, and writes the secrets of the
    clients to a file.
    """

    def __init__(self, dynamodb: Any, outputs: Mapping[str, str], credentials_file: Path) -> None:
        self._dynamodb = dynamodb
        self._outputs = outputs
        self._credentials_file = credentials_file
        self._books = TableBooks(dynamodb, _table_names(outputs), self._now)

    def seed(self) -> None:
        """Write what is missing."""
        tables = ReferenceTables(self._dynamodb, self._table)
        tables.write(of_the_simulated_market())
        tables.open_the_simulated_market()
        for demo in (*DEMO_CLIENTS, SMOKE_CLIENT):
            self.add_client(demo)
        self._add_credentials()

    def add_client(self, demo: DemoClient) -> None:
        """Add a client with opening deposits."""
        self._add("ClientsTable", demo.client.model_dump())
        self._fund(demo)

    def add_credential(
        self,
        secret: Credentials,
        permissions: tuple[str, ...],
        audience: str,
        roles: tuple[Role, ...] = (),
    ) -> None:
        """Add an API key. The table keeps a hash and a public key of the secret only, and the
        registered public key of a program.
        """
        credential = Credential(
            api_key=secret.api_key,
            client_id=secret.client_id,
            secrets=(passwords.stored(secret.api_secret),),
            permissions=permissions,
            roles=roles,
            audience=audience,
            public_key=_public_key_of(secret),
        )
        self._put(credential)

    def _put(self, credential: Credential) -> None:
        self._dynamodb.put_item(
            TableName=self._outputs["CredentialsTable"], Item=to_item(credential.model_dump())
        )

    def _fund(self, demo: DemoClient) -> None:
        """Book the opening deposits as balanced ledger entries."""
        client_id = demo.client.client_id
        account = self._books.account(client_id)
        if account.version == 0:
            funded, entry = transfers.deposit_cash(
                account.with_credit_limit(demo.client.credit_limit),
                demo.cash,
                "opening-cash",
                self._now(),
            )
            self._commit(funded, entry)
        for symbol, (quantity, cost) in demo.shares.items():
            position = self._books.position(client_id, symbol)
            if position.version == 0:
                self._commit(
                    *transfers.deposit_shares(
                        position, quantity, cost, f"opening-{symbol}", self._now()
                    )
                )

    def _commit(self, *changes: Any) -> None:
        try:
            self._books.commit(*changes)
        except StaleError as error:
            raise LocalError(
                "somebody else is seeding this system right now", "Run `make seed` again."
            ) from error

    def _add_credentials(self) -> None:
        """Write the file before the table: a secret of which only the hash is left is lost."""
        before = self._known_credentials()
        known = dict(before)
        for name in sorted({*DEMO_CLIENT_IDS, *OPERATORS, SMOKE_ID} - known.keys()):
            key = f"{name}-{secrets.token_hex(8)}"
            known[name] = Credentials(
                client_id=name, api_key=key, api_secret=passwords.generate_secret()
            )
        for name in OPERATORS:
            if known[name].private_key is None:  # new, or of a system from before there were keys
                private_key, _ = signature_keys.new_key_pair()
                known[name] = Credentials.model_validate(
                    known[name].model_dump() | {"private_key": private_key}
                )
        if known != before:
            self._save_credentials(known)
        for name, secret in known.items():
            roles = OPERATORS.get(name, ())
            if kept := self._kept_credential(secret.api_key):
                if roles and kept.public_key is None:
                    self._put(kept.with_public_key(_public_key_of(secret)).saved())
            elif roles:
                self.add_credential(secret, permissions_of(roles), INTERNAL_AUDIENCE, roles)
            else:
                self.add_credential(secret, CLIENT_PERMISSIONS, CLIENT_AUDIENCE)

    def _table(self, name: str) -> str:
        return self._outputs[output_of(name)]

    def _known_credentials(self) -> dict[str, Credentials]:
        if not self._credentials_file.exists():
            return {}
        return CREDENTIALS_BY_ID.validate_json(self._credentials_file.read_bytes())

    def _save_credentials(self, known: Mapping[str, Credentials]) -> None:
        text = json.dumps({name: secret.model_dump() for name, secret in known.items()}, indent=2)
        partial = self._credentials_file.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        partial.replace(self._credentials_file)

    def _kept_credential(self, api_key: str) -> Credential | None:
        table = self._outputs["CredentialsTable"]
        return TableReads(self._dynamodb).get(table, {"api_key": api_key}, Credential)

    def _add(self, table: str, attributes: Mapping[str, Any]) -> None:
        """Put an item unless one has its key."""
        key = next(iter(attributes))
        try:
            self._dynamodb.put_item(
                TableName=self._outputs[table],
                Item=to_item(attributes),
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)


def _public_key_of(secret: Credentials) -> str | None:
    """The public half of a program's private key."""
    if secret.private_key is None:
        return None
    return signature_keys.stored_key(
        signature_keys.read_private_key(secret.private_key).public_key()
    )
