"""The books of the deployed simulated exchanges and depository: read, and told how to behave."""

import time
from datetime import datetime

import boto3

from local import day, deploy
from local.aws_client import aws_client
from simulators.adapters.depository_store import AnsweredInstruction, DepositoryStore
from simulators.adapters.exchange_store import ExchangeStore, OrderRecord
from simulators.adapters.tables import Table
from simulators.reference import EXCHANGE_IDS
from trading.adapters.dynamodb.transactions import to_item
from trading.domain.orders.child_order import ChildOrder
from trading.domain.values import iso
from workstation.local_system import ACCOUNT, REGION, LocalSystem

PROMPT = dict.fromkeys(
    ("reject_rate", "partial_rate", "late_rate", "out_of_order_rate", "silence_rate", "down_rate"),
    0,
) | {"late_correction_rate": 0, "duplicate_rate": 1, "correction_seconds": 0}
"""Every report comes at once, and twice."""
CONFIGURATION_KEPT_SECONDS = 1.2


class OutsideWorld:
    """The simulated venues of a deployed system. `behave` says what exchanges do from now on."""

    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        self._dynamodb = aws_client(system, "dynamodb")
        outputs = deploy.outputs(system)
        self._books = outputs["ExchangeBooksTable"]
        client = boto3.resource(
            "dynamodb",
            endpoint_url=system.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="local",
        ).meta.client
        self._store = ExchangeStore(Table(client, self._books))
        self._depository = DepositoryStore(Table(client, outputs["DepositoryBooksTable"]))

    def behave(self, **fields: int) -> None:
        """Configure all exchanges, and wait until every worker knows it."""
        for exchange_id in EXCHANGE_IDS:
            item = to_item({"pk": "CONFIG", "sk": exchange_id} | PROMPT | fields)
            self._dynamodb.put_item(TableName=self._books, Item=item)
        time.sleep(CONFIGURATION_KEPT_SECONDS)

    def forget(self) -> None:
        """Take the configuration back."""
        for exchange_id in EXCHANGE_IDS:
            key = to_item({"pk": "CONFIG", "sk": exchange_id})
            self._dynamodb.delete_item(TableName=self._books, Key=key)

    def look(self, child: ChildOrder, client_order_id: str) -> None:
        """Have the exchange look at an order: it makes the corrections that are due."""
        event = {
            "kind": "order",
            "exchange_id": child.exchange_id,
            "client_order_id": client_order_id,
        }
        day.invoke(self._system, "exchange-matching", event)

    def order(self, child: ChildOrder, client_order_id: str) -> OrderRecord:
        """An order in the books of its exchange, with its reports."""
        record = self._store.load(child.exchange_id, client_order_id)
        assert isinstance(record, OrderRecord)
        return record

    def backdate(self, child: ChildOrder, client_order_id: str, at: datetime) -> None:
        """Have the exchange say that it executed an order earlier. Its reports are due now."""
        pk = f"ORDER#{child.exchange_id}#{client_order_id}"
        items = self._dynamodb.query(
            TableName=self._books,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :report)",
            ExpressionAttributeValues=to_item({":pk": pk, ":report": "REPORT#"}),
        )["Items"]
        for item in items:
            self._dynamodb.update_item(
                TableName=self._books,
                Key={"pk": item["pk"], "sk": item["sk"]},
                UpdateExpression="SET report.transact_time = :at, due_at = :at",
                ExpressionAttributeValues=to_item({":at": iso(at)}),
            )

    def instruction(self, settlement_id: str) -> AnsweredInstruction | None:
        """An instruction at the depository."""
        return self._depository.load(settlement_id)
