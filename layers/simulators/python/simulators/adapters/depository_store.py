"""The depository's books in DynamoDB.

`INSTRUCTION#{id}`/`INSTRUCTION` holds an instruction with its confirmation.
`CONFIRMATIONS#{settlement date}` lists the confirmations by their time and instruction id.
`ACCOUNT#{account}#{shard}` holds balances by asset. The balance of an account is the sum over its
shards. With one item for each account, all settlements would wait for the item of the counterparty.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from simulators.adapters.tables import Table, without_keys
from simulators.depository import Movement
from trading.domain.values import iso
from trading.wire import SettlementConfirmation, SettlementInstruction

SHARDS = 16


class AnsweredInstruction(NamedTuple):
    """An instruction and its confirmation."""

    instruction: SettlementInstruction
    confirmation: SettlementConfirmation


class DepositoryStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, instruction_id: str) -> AnsweredInstruction | None:
        """The instruction if it was answered before."""
        item = self._table.get(f"INSTRUCTION#{instruction_id}", "INSTRUCTION")
        if item is None:
            return None
        return AnsweredInstruction(
            SettlementInstruction.model_validate(item["instruction"]),
            SettlementConfirmation.model_validate(item["confirmation"]),
        )

    def record(self, answered: AnsweredInstruction, movements: Sequence[Movement]) -> None:
        """Write both sides, the instruction and its confirmation in one transaction.

        Raises ConflictError if the id is recorded already, or if another settlement moves the same
        balance now.
        """
        table, instruction_id = self._table, answered.instruction.instruction_id
        confirmation = answered.confirmation.model_dump(mode="json")
        entry = {
            "pk": f"INSTRUCTION#{instruction_id}",
            "sk": "INSTRUCTION",
            "instruction": answered.instruction.model_dump(mode="json"),
            "confirmation": confirmation,
        }
        listed = {
            "pk": _confirmations_pk(answered.instruction.settlement_date),
            "sk": f"{iso(answered.confirmation.confirmed_at)}#{instruction_id}",
            **confirmation,
        }
        shard = hashlib.sha256(instruction_id.encode()).digest()[0] % SHARDS
        updates = [
            {
                "Update": {
                    "TableName": table.name,
                    "Key": {"pk": f"ACCOUNT#{movement.account}#{shard}", "sk": movement.asset},
                    "UpdateExpression": "ADD balance :amount",
                    "ExpressionAttributeValues": {":amount": movement.amount},
                }
            }
            for movement in movements
        ]
        table.transact([table.put(entry, "attribute_not_exists(pk)"), table.put(listed), *updates])

    def balance(self, account: str, asset: str) -> Decimal:
        shards = (self._table.get(f"ACCOUNT#{account}#{shard}", asset) for shard in range(SHARDS))
        return sum((item["balance"] for item in shards if item), Decimal(0))

    def confirmations(
        self, settlement_date: date, after: str | None, limit: int
    ) -> tuple[tuple[SettlementConfirmation, ...], str | None]:
        """A page of a day's confirmations by the time at which they were made. The second value is
        the key after which the next page starts.
        """
        pk = _confirmations_pk(settlement_date)
        request: dict[str, Any] = {
            "TableName": self._table.name,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": pk},
            "ConsistentRead": True,
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = {"pk": pk, "sk": after}
        answer = self._table.client.query(**request)
        last = answer.get("LastEvaluatedKey")
        confirmations = (
            SettlementConfirmation.model_validate(without_keys(item)) for item in answer["Items"]
        )
        return tuple(confirmations), str(last["sk"]) if last else None


def key_at(moment: datetime) -> str:
    """The key after which the confirmations of this moment and of later ones are listed."""
    return iso(moment)


def _confirmations_pk(settlement_date: date) -> str:
    return f"CONFIRMATIONS#{settlement_date.isoformat()}"
