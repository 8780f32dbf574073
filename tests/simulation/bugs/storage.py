"""Conditions, transactions and reads of the tables."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb.attention import TableAttentionIndex
from trading.adapters.dynamodb.entity_writes import location_of, put_of, write_of
from trading.adapters.dynamodb.obligations import TableObligations
from trading.adapters.dynamodb.orders import TableTaskTokens
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.transactions import commit
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.orders.place_order import PlaceOrder

BUGS = (
    Bug(
        "an older version may overwrite a newer one",
        "The version condition is written the wrong way round.",
        "Two workers at once: one's fill or hold vanishes from the balance.",
        (Edit(put_of, '"version = :version"', '"version >= :version"'),),
    ),
    Bug(
        "no condition on what is new",
        "Puts of new items carry no attribute_not_exists.",
        "A fill booked by two workers counts twice; a repeated order replaces the first one.",
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
        "Deleting an obligation does not ask that it is there.",
        "None.",
        (
            Edit(
                write_of,
                '"attribute_exists(client_id)"',
                '"attribute_not_exists(never_there)"',
            ),
        ),
        tolerated="a settlement is created once, in the same transaction",
    ),
    Bug(
        "postponed without its version",
        "The sweeper sets the time of the next look without the version that it read.",
        "An order that was done meanwhile is looked at for ever, or one that needs attention is put off.",
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
        "Every error of a transaction counts as a lost race, and lost races as somebody else's success.",
        "Fills and settlements that nobody wrote.",
        (
            Edit(
                commit,
                '            if reasons & RACES and not reasons - RACES - OVERLOADS - {"None"}:\n                raise StaleError from error',
                "            if reasons & RACES:\n                return",
            ),
        ),
    ),
    Bug(
        "orders without their holds",
        "The order is saved first, then the account with the hold.",
        "A worker that dies in between leaves an order that nothing is held for: the client spends the money twice.",
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
        "The trade and the order are saved first, then account and position.",
        "A worker that dies in between leaves a trade that the client never got the shares or the money for.",
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
        "What is due beyond the first page does not settle; exchanges are missing from routing.",
        (Edit(TableReads.query, 'if limit or "LastEvaluatedKey" not in answer:', "if True:"),),
    ),
    Bug(
        "unprocessed keys ignored",
        "What BatchGetItem leaves unprocessed is not asked for again.",
        "An order counts as cleared though some of its trades are not, and these never settle.",
        (Edit(TableReads.get_many, "if unprocessed:", "if False:"),),
    ),
    Bug(
        "entities read eventually consistent",
        "GetItem without ConsistentRead: half the price.",
        "A worker does not see what the message before it has written.",
        (Edit(TableReads.item, "ConsistentRead=True", "ConsistentRead=False"),),
    ),
    Bug(
        "ledger read eventually consistent",
        "BatchGetItem without ConsistentRead: half the price.",
        "Clearing does not see the newest fill and clears the order without it: it never settles.",
        (Edit(TableReads.get_many, ', "ConsistentRead": True}', "}"),),
    ),
    Bug(
        "lists read eventually consistent",
        "Query without ConsistentRead: half the price.",
        "A novation states a wrong net position; what is due is settled a day late.",
        (Edit(TableReads.query, 'else {"ConsistentRead": True}', "else {}"),),
    ),
    Bug(
        "task token read eventually consistent",
        "GetItem without ConsistentRead: half the price.",
        "None.",
        (Edit(TableTaskTokens.task_token, "ConsistentRead=True", "ConsistentRead=False"),),
        tolerated="a workflow that was not answered is answered by the sweeper's poll",
    ),
    Bug(
        "due dates end a day early",
        "The range of obligations ends before those of its last day.",
        "Everything settles a day late.",
        (Edit(TableObligations.obligations, '["item"] + "$"', '["item"]'),),
    ),
    Bug(
        "orders not in the index of what needs attention",
        "The sparse index' partition key is forgotten.",
        "Whatever gets lost stays lost: the sweeper sees nothing.",
        (Edit(location_of, '{"attention_shard": shard} if entity.attention_at else {}', "{}"),),
    ),
)
