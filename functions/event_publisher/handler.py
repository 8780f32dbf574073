"""The streams of the tables: puts the events of transactions on the bus."""

from functions.event_publisher.settings import Settings
from trading.adapters.runtime.settings import load
from trading.bootstrap import events

handler = events.event_publisher(load(Settings))
