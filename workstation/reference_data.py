"""The reference data of a deployment: what is traded, and where."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from infra.catalog.names import EXCHANGES
from simulators import reference
from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.adapters.runtime import clock
from trading.domain import patterns
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Frozen
from trading.usecases.ports import StaleError

REFERENCE = "reference"
MARKET = "exchange-books"
"""The table of the simulated exchanges. A deployment with real venues does not have it."""

COUNTED = {"version", "tradable_set_in"}
"""What a deployment counts by itself. A file has none of it."""
STATES = {"tradable", "key_status"}
"""What operators change from day to day: a halt or a disabled key is no difference."""


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

    @property
    def is_new(self) -> bool:
        """Whether nothing of it is counted yet, as it is in a file."""
        each = (*self.instruments, *self.exchanges)
        return not any(entity.model_dump(include=COUNTED, exclude_defaults=True) for entity in each)

    def shown(self) -> dict[str, list[dict[str, Any]]]:
        """The form of a file, sorted."""
        instruments = sorted(self.instruments, key=lambda each: each.symbol)
        exchanges = sorted(self.exchanges, key=lambda each: each.exchange_id)
        return {
            "instruments": [each.model_dump(mode="json", exclude=COUNTED) for each in instruments],
            "exchanges": [
                each.model_dump(mode="json", exclude=COUNTED | {"key_status"}) for each in exchanges
            ],
        }


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
        data = ReferenceData.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ReferenceDataError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        what = "; ".join(f"{'.'.join(map(str, each['loc']))} {each['msg']}" for each in wrong[:5])
        raise ReferenceDataError(f"{path}: {what.strip()}") from error
    if not data.is_new:
        raise ReferenceDataError(f"{path}: a file must not have {' or '.join(sorted(COUNTED))}")
    return data


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
        entities: list[Instrument | Exchange] = [*data.instruments, *data.exchanges]
        for entity in entities:
            name = entity.symbol if isinstance(entity, Instrument) else entity.exchange_id
            if self.register(entity):
                added.append(name)
            elif self._is_the_same(entity):
                unchanged.append(name)
            else:
                different.append(name)
        return Written(tuple(added), tuple(unchanged), tuple(different))

    def register(self, entity: Instrument | Exchange) -> bool:
        """Add an instrument or an exchange, with its event, unless it is there. Return whether it
        was added.
        """
        try:
            self.registry.commit(entity)
        except StaleError:
            return False
        return True

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
            found[item["kind"]].append(item)
        return ReferenceData(
            instruments=tuple(load_entity(Instrument, each) for each in found["INSTRUMENT"]),
            exchanges=tuple(load_entity(Exchange, each) for each in found["EXCHANGE"]),
        )

    @property
    def registry(self) -> TableRegistry:
        """What writes instruments and exchanges, with their events."""
        names = TableNames(**{each: self.named(each) for each in TableNames.__dataclass_fields__})
        books = TableBooks(self.dynamodb, names, clock.now)
        return TableRegistry(self.dynamodb, names, self.named("credentials"), books)

    def _is_the_same(self, entity: Instrument | Exchange) -> bool:
        """Whether the table has the entity like this."""
        kept = (
            self.registry.listed(entity.symbol)
            if isinstance(entity, Instrument)
            else self.registry.exchange(entity.exchange_id)
        )
        ignored = COUNTED | STATES
        return kept is not None and kept.model_dump(exclude=ignored) == entity.model_dump(
            exclude=ignored
        )

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
