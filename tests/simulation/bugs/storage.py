"""Conditions, transactions and reads of the tables."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb.attention import TableAttentionIndex
from trading.adapters.dynamodb.entity_writes import location_of, put_of, write_of
from trading.adapters.dynamodb.obligations import TableObligations
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.transactions import commit
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.orders.place_order import PlaceOrder

BUGS = (
    Bug(
        "an older version may overwrite a newer one",
        "The version condition is the wrong way round.",
        "When two workers write at once, one worker's fill or hold vanishes from the balance.",
        (Edit(put_of, '"version = :version"', '"version >= :version"'),),
    ),
    Bug(
        "no condition on what is new",
        "Puts of new items carry no attribute_not_exists condition.",
        "A fill that two workers book counts twice. A repeated order replaces the first one.",
        (
            Edit(
                put_of,
                'f"attribute_not_exists({next(iter(location.key))})"',
                '"attribute_not_exists(never_there)"',
            ),
        ),
    ),
    Bug(
        "no condition on a discharge",
        "Deleting an obligation does not require that the obligation exists.",
        "None.",
        (
            Edit(
                write_of,
                '"attribute_exists(client_id)"',
                '"attribute_not_exists(never_there)"',
            ),
        ),
        tolerated="A settlement is created once, in the same transaction.",
    ),
    Bug(
        "postponed without its version",
        "The sweeper sets the time of the next look without checking the version that it read.",
        "The sweeper looks at a finished order for ever, or puts off an order that needs "
        "attention.",
        (
            Edit(
                TableAttentionIndex.postpone, '"version = :version"', '"attribute_exists(order_id)"'
            ),
            Edit(
                TableAttentionIndex.postpone,
                'to_item({":until": iso(until), ":version": order.version})',
                'to_item({":until": iso(until)})',
            ),
        ),
    ),
    Bug(
        "a failed transaction is taken for done",
        "Every transaction error counts as a lost race, and a lost race as another worker's "
        "success.",
        "Fills and settlements are never written.",
        (
            Edit(
                commit,
                '            if reasons & RACES and not reasons - RACES - OVERLOADS - {"None"}:\n'
                "                raise StaleError from error",
                "            if reasons & RACES:\n                return",
            ),
        ),
    ),
    Bug(
        "orders without their holds",
        "The order is saved first, then the account with the hold.",
        "If a worker dies in between, no cash is held for the order. The client spends it twice.",
        (
            Edit(
                PlaceOrder._record,
                "        self.books.commit(*decision.changed)\n",
                "        for change in decision.changed:\n            self.books.commit(change)\n",
            ),
        ),
    ),
    Bug(
        "a fill in two steps",
        "The trade and the order are saved first, then the account and the position.",
        "If a worker dies in between, the client never gets the trade's shares or money.",
        (
            Edit(
                BookExecution._fill,
                "self.books.commit(booked.fill, *changes)",
                "self.books.commit(booked.fill, changes[0]); self.books.commit(*changes[1:])",
            ),
        ),
    ),
    Bug(
        "only the first page",
        "LastEvaluatedKey is ignored.",
        "Obligations beyond the first page do not settle. Exchanges are missing from routing.",
        (Edit(TableReads.query, 'if limit or "LastEvaluatedKey" not in answer:', "if True:"),),
    ),
    Bug(
        "unprocessed keys ignored",
        "Keys that BatchGetItem leaves unprocessed are not requested again.",
        "An order counts as cleared although some of its trades are not. These never settle.",
        (Edit(TableReads.get_many, "if unprocessed:", "if False:"),),
    ),
    Bug(
        "entities read eventually consistent",
        "GetItem is called without ConsistentRead, for half the price.",
        "A worker does not see what the previous message has written.",
        (Edit(TableReads.item, "ConsistentRead=True", "ConsistentRead=False"),),
    ),
    Bug(
        "ledger read eventually consistent",
        "BatchGetItem is called without ConsistentRead, for half the price.",
        "Clearing misses the newest fill and clears the order without it. The fill never settles.",
        (Edit(TableReads.get_many, ', "ConsistentRead": True}', "}"),),
    ),
    Bug(
        "lists read eventually consistent",
        "Query is called without ConsistentRead, for half the price.",
        "A novation states a wrong net position. An obligation settles a day late.",
        (Edit(TableReads.query, 'else {"ConsistentRead": True}', "else {}"),),
    ),
    Bug(
        "due dates end a day early",
        "The range of obligations ends before those of its last day.",
        "Everything settles a day late.",
        (Edit(TableObligations.obligations, '["item"] + "$"', '["item"]'),),
    ),
    Bug(
        "orders not in the index of what needs attention",
        "The partition key of the sparse index is missing.",
        "Nothing that gets lost is recovered, because the sweeper sees no order.",
        (Edit(location_of, '{"attention_shard": shard} if entity.attention_at else {}', "{}"),),
    ),
)
