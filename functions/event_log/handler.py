"""The queue of the bus: keeps the events of accounts."""

from functions.event_log.settings import Settings
from trading.adapters.runtime.settings import load
from trading.bootstrap import events

handler = events.event_log_writer(load(Settings))
