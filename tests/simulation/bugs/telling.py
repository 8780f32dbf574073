"""Events: what is told of a transaction, and its way to those who follow."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb import outbox
from trading.adapters.dynamodb.event_log import WritableEventLog
from trading.adapters.messaging import event_bus
from trading.adapters.messaging.event_bus import EventBus
from trading.adapters.messaging.event_log_writer import EventLogWriter
from trading.domain import event_data, events
from trading.domain.orders.order_record import OrderRecord
from trading.domain.reference.instruments import Instrument
from trading.usecases.accounts import follow_events
from trading.usecases.posttrade.settle_obligations import SettleObligations

BUGS = (
    Bug(
        "an event without its shares",
        "What is told of a transaction leaves the positions out.",
        "Clients that follow their events see fewer shares than they have.",
        (
            Edit(
                event_data.data_of,
                "positions=tuple(_position(fact) for fact in facts if isinstance(fact, Position)),",
                "positions=(),",
            ),
        ),
    ),
    Bug(
        "an event with the old version",
        "The orders in an event have the version that was read, not the one that was written.",
        "Consumers take a change of an order for one that they know.",
        (Edit(event_data._order, "order.version + 1", "order.version"),),
    ),
    Bug(
        "a replacement is told as a cancel",
        "The type of an event does not look at the order that takes over.",
        "Clients and consumers take an order that goes on with other terms for one that ended.",
        (
            Edit(
                events.type_of,
                "if _takes_over(orders, _CANCELED):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "an execution hides the replacement",
        "The topics of an event follow from its type alone.",
        "Consumers of accepted orders miss a replacement that takes over with the last execution.",
        (Edit(events.topics_of, "accepted or replaced", "accepted"),),
    ),
    Bug(
        "an order tells before its account",
        "The order leads an event, also if the account changes with it.",
        "The sequence of the account has a gap at each trade.",
        (
            Edit(
                events.lead_of,
                "(Account, Order, Client, Break, Instrument, Exchange)",
                "(Order, Account, Client, Break, Instrument, Exchange)",
            ),
        ),
    ),
    Bug(
        "a halt is any change",
        "An instrument does not know that it was halted in this version.",
        "Consumers of halts hear of none.",
        (
            Edit(
                Instrument.with_tradable,
                "tradable_set_in=self.version + 1",
                "tradable_set_in=self.version",
            ),
        ),
    ),
    Bug(
        "a key that nobody is told of",
        "An exchange leads no event.",
        "Consumers do not hear that the reports of an exchange are refused.",
        (Edit(events.lead_of, "Break, Instrument, Exchange)", "Break, Instrument)"),),
    ),
    Bug(
        "a request that does not end",
        "Each change of an order after the request of its cancel is told as the request.",
        "Consumers count requests that nobody made.",
        (
            Edit(
                OrderRecord.requests_cancel,
                "self.cancel_requested_in == self.version + 1",
                "self.cancel_requested_in is not None",
            ),
        ),
    ),
    Bug(
        "a break is no dead letter",
        "Only orders that were given up are dead letters.",
        "Whoever watches dead letters misses what the books refuse.",
        (
            Edit(
                events.topics_of,
                "any(entry.kind is EntryKind.BREAK for entry in data.entries)",
                "False",
            ),
        ),
    ),
    Bug(
        "a settlement without its account",
        "A settlement does not write the account.",
        "Shares are settled, and the account's sequence does not count it.",
        (Edit(SettleObligations._book, "done.account,", ""),),
    ),
    Bug(
        "only new items are news",
        "The publisher leaves out what a stream calls a change of an item.",
        "Only the first event of each account is told.",
        (
            Edit(
                outbox.is_news,
                "image[EVENT_ATTRIBUTE] != last",
                "last is None",
            ),
        ),
    ),
    Bug(
        "refused by the bus and forgotten",
        "The publisher does not look whether the bus took each event.",
        "An event that EventBridge refuses is lost.",
        (Edit(EventBus._refused, 'if "ErrorCode" in entry', "if False"),),
    ),
    Bug(
        "a bus that is down is forgotten",
        "After the last try the publisher gives up without an error.",
        "Lambda goes on in the stream, and the events are lost.",
        (Edit(EventBus.publish, "if pending:", "if False:"),),
    ),
    Bug(
        "only the first batch is published",
        "Of many events, the publisher puts only one request on the bus.",
        "Under load, events are lost.",
        (Edit(event_bus._batches, "batch, size = [], 0", "return"),),
        pending="No shard gets more than ten records before it is read.",
    ),
    Bug(
        "left over in the log",
        "The writer of the log does not look at what DynamoDB did not take.",
        "An event that came is lost.",
        (Edit(WritableEventLog.write, "return left", "return set()"),),
    ),
    Bug(
        "failed and acknowledged",
        "The writer of the log acknowledges messages that it could not write.",
        "An event that came is lost.",
        (
            Edit(
                EventLogWriter.__call__,
                '[{"itemIdentifier": each} for each in sorted(failed)]',
                "[]",
            ),
        ),
    ),
    Bug(
        "an event that was told is told anew",
        "The log numbers events as they come.",
        "An event that comes twice is in the log twice.",
        (
            Edit(
                WritableEventLog.write,
                "{_key_of(event): _item(event) for event in events}",
                "{(e.aggregate.id, e.sequence + len(e.topics) % 2): _item(e.model_copy(update="
                '{"sequence": e.sequence + len(e.topics) % 2})) for e in events}',
            ),
        ),
    ),
    Bug(
        "gaps are passed over",
        "Who follows gets all events that are there, also behind one that is not there yet.",
        "An event that comes late is never seen.",
        (
            Edit(
                follow_events._without_gap,
                "if event.sequence == sequence",
                "if sequence",
            ),
        ),
    ),
    Bug(
        "the answer names the last sequence",
        "The answer tells to go on after what is in the log, not after what it shows.",
        "Events behind a gap are never seen.",
        (
            Edit(
                follow_events.next_events,
                "since=events[-1].sequence if events else since,",
                "since=found[-1].sequence if found else since,",
            ),
        ),
    ),
    Bug(
        "a late event has expired",
        "An event that is not there yet counts as expired when it is the first that is kept.",
        "Clients are told to read their accounts anew for nothing.",
        (Edit(follow_events._is_gone, "if age < UNDER_WAY:", "if False:"),),
        pending="Nobody follows while the first event of an account is on its way.",
    ),
)
