"""The composition root of the simulators: settings, then AWS clients, then adapters, then venues.

Nothing is cached here. Every call makes new objects, which live as long as the handler's module.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

import boto3

from simulators.adapters import clock
from simulators.adapters.api import VenueApi
from simulators.adapters.callbacks import CallbackSender
from simulators.adapters.configuration import DEPOSITORY, Configuration
from simulators.adapters.depository_store import DepositoryStore
from simulators.adapters.exchange_store import ExchangeStore
from simulators.adapters.matching import Matching
from simulators.adapters.secrets import VenueSecrets
from simulators.adapters.settings import DepositorySettings, ExchangeApiSettings, ExchangeSettings
from simulators.adapters.tables import ASK_ONCE, CLIENT_CONFIG, Table
from simulators.dice import Dice
from simulators.order_entry import OrderEntry
from simulators.reference import EXCHANGE_IDS
from simulators.session import Session
from simulators.settlement_desk import SettlementDesk


@dataclass(frozen=True)
class ExchangeApi:
    api: VenueApi
    entry: OrderEntry


@dataclass(frozen=True)
class DepositoryApi:
    api: VenueApi
    desk: SettlementDesk


def exchange_api(settings: ExchangeApiSettings) -> ExchangeApi:
    matching = Matching(boto3.client("lambda", config=ASK_ONCE), settings.matching_function_name)
    table = _table(settings.exchange_table)
    return ExchangeApi(
        VenueApi(_secrets(settings.venue_secret_prefix, EXCHANGE_IDS)),
        OrderEntry(
            ExchangeStore(table),
            Configuration(table, clock.now),
            Dice(settings.simulation_seed),
            matching.start,
            clock.now,
            time.sleep,
        ),
    )


def exchange_session(settings: ExchangeSettings) -> Session:
    table = _table(settings.exchange_table)
    return Session(
        ExchangeStore(table),
        Configuration(table, clock.now),
        Dice(settings.simulation_seed),
        CallbackSender(_secrets(settings.venue_secret_prefix, EXCHANGE_IDS), clock.now).send,
        clock.now,
        time.sleep,
    )


def depository_api(settings: DepositorySettings) -> DepositoryApi:
    table = _table(settings.depository_table)
    return DepositoryApi(
        VenueApi(_secrets(settings.venue_secret_prefix, {DEPOSITORY})),
        SettlementDesk(
            DepositoryStore(table),
            Configuration(table, clock.now),
            Dice(settings.simulation_seed),
            clock.now,
            time.sleep,
        ),
    )


def _table(name: str) -> Table:
    return Table(boto3.resource("dynamodb", config=CLIENT_CONFIG).meta.client, name)


def _secrets(prefix: str, key_ids: Collection[str]) -> VenueSecrets:
    client = boto3.client("secretsmanager", config=CLIENT_CONFIG)
    return VenueSecrets(client, prefix, clock.now, key_ids)
