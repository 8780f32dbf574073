"""Execution reports that exchanges deliver."""

from dataclasses import dataclass

from trading.adapters.dynamodb.venue_keys import TableVenueKeys
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.runtime import clock
from trading.adapters.venues.secrets import VenueSecrets
from trading.bootstrap import clients, messaging
from trading.bootstrap.settings import CallbacksSettings


@dataclass(frozen=True)
class Callbacks:
    mailboxes: SqsMailboxes
    venue_keys: TableVenueKeys
    venue_secrets: VenueSecrets


def callbacks(settings: CallbacksSettings) -> Callbacks:
    # The module for venues would import HTTP clients, which would lengthen the cold start.
    return Callbacks(
        mailboxes=messaging.mailboxes(execution_queue_url=settings.execution_queue_url),
        venue_keys=TableVenueKeys(clients.dynamodb(), settings.reference_table),
        venue_secrets=VenueSecrets(
            clients.secrets_manager(),
            settings.venue_secret_prefix,
            clock.now,
            settings.exchange_key_ids,
        ),
    )
