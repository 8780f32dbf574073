"""The reference data of a deployment: what is traded, and where."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from infra.catalog.names import EXCHANGES
from simulators import reference
from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain import patterns
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Frozen

REFERENCE = "reference"
MARKET = "exchange-books"
"""The table of the simulated exchanges. A deployment with real venues does not have it."""


class ReferenceDataError(Exception):
    """The file cannot be read, or its content is wrong."""


class ReferenceData(Frozen):
    """The instruments and the exchanges of a deployment, each once."""

    instruments: tuple[Instrument, ...]
    exchanges: tuple[Exchange, ...]

    @model_validator(mode="after")
    def _is_complete(self) -> "ReferenceData":
        symbols = [each.symbol for each in self.instruments]
        if odd := [symbol for symbol in symbols if not re.fullmatch(patterns.SYMBOL, symbol)]:
            raise ValueError(f"not symbols that a client can name: {', '.join(map(repr, odd))}")
        if repeated := sorted({symbol for symbol in symbols if symbols.count(symbol) > 1}):
            raise ValueError(f"instruments more than once: {', '.join(repeated)}")
        named = sorted(each.exchange_id for each in self.exchanges)
        if named != sorted(EXCHANGES):
            raise ValueError(f"exchanges must be {', '.join(EXCHANGES)}, each once")
        return self

    def items(self) -> Iterator[dict[str, Any]]:
        """The items of the table `reference`."""
        for instrument in self.instruments:
            yield {"kind": "INSTRUMENT", "id": instrument.symbol, **instrument.model_dump()}
        for exchange in self.exchanges:
            yield {"kind": "EXCHANGE", "id": exchange.exchange_id, **exchange.model_dump()}


def of_the_simulated_market() -> ReferenceData:
    """What the simulated exchanges list. The prices are illustrative."""
    return ReferenceData(
        instruments=tuple(
            Instrument(
                symbol=listed.symbol,
                name=listed.name,
                reference_price=listed.reference_price,
                tick_size=listed.tick_size,
                lot_size=listed.lot_size,
                trading_hours=listed.trading_hours,
            )
            for listed in reference.INSTRUMENTS
        ),
        exchanges=tuple(
            Exchange(
                exchange_id=venue.exchange_id, name=venue.name, fee_per_share=venue.fee_per_share
            )
            for venue in reference.EXCHANGES
        ),
    )


def of_file(path: Path) -> ReferenceData:
    """What a JSON file lists. Raises ReferenceDataError."""
    try:
        return ReferenceData.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ReferenceDataError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        what = "; ".join(f"{'.'.join(map(str, each['loc']))} {each['msg']}" for each in wrong[:5])
        raise ReferenceDataError(f"{path}: {what.strip()}") from error


@dataclass(frozen=True)
class Written:
    """What a write did, by the id of the instrument or exchange.

    `different`: what the table has with other values. It was left as it is.
    """

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    different: tuple[str, ...]


@dataclass(frozen=True)
class ReferenceTables:
    """The tables that hold reference data. `named` returns a table's physical name."""

    dynamodb: Any
    named: Callable[[str], str]

    @property
    def are_of_simulated_venues(self) -> bool:
        """Whether the deployment has the simulated exchanges."""
        try:
            self.dynamodb.describe_table(TableName=self.named(MARKET))
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return False
        return True

    def write(self, data: ReferenceData) -> Written:
        """Add what is missing. What exists stays unchanged, for example a halt."""
        added, unchanged, different = [], [], []
        for item in data.items():
            if self._add(REFERENCE, item):
                added.append(item["id"])
            elif self._is_the_same(item):
                unchanged.append(item["id"])
            else:
                different.append(item["id"])
        return Written(tuple(added), tuple(unchanged), tuple(different))

    def open_the_simulated_market(self) -> None:
        """Write the simulated exchanges' settings of each instrument, if they are missing."""
        for item in reference.market_items():
            self._add(MARKET, item)

    def read(self) -> ReferenceData:
        """What the table holds. Raises pydantic's ValidationError if it is incomplete."""
        found: dict[str, list[dict[str, Any]]] = {"INSTRUMENT": [], "EXCHANGE": []}
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.named(REFERENCE), ConsistentRead=True
        )
        for item in (from_item(each) for page in pages for each in page["Items"]):
            kind, _ = item.pop("kind"), item.pop("id")
            item.pop("key_status", None)
            found[kind].append(item)
        return ReferenceData.model_validate(
            {"instruments": found["INSTRUMENT"], "exchanges": found["EXCHANGE"]}
        )

    def _is_the_same(self, item: dict[str, Any]) -> bool:
        """Whether the table has the item like this. Neither a halt nor a disabled key is a
        difference.
        """
        kept = self.dynamodb.get_item(
            TableName=self.named(REFERENCE),
            Key=to_item({"kind": item["kind"], "id": item["id"]}),
            ConsistentRead=True,
        )["Item"]
        states = {"tradable": None, "key_status": None}
        return bool(from_item(kept) | states == item | states)

    def _add(self, table: str, item: dict[str, Any]) -> bool:
        """Put an item unless one has its key. Return whether it was put."""
        try:
            self.dynamodb.put_item(
                TableName=self.named(table),
                Item=to_item(item),
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": next(iter(item))},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
