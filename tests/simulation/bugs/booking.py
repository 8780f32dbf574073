"""Booking what exchanges report."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.messaging import mailboxes
from trading.domain.orders.booking import VenueExecution, book, check_execution
from trading.domain.orders.child_order import ChildOrder
from trading.usecases.execution import book_execution
from trading.usecases.execution.book_execution import BookExecution

BUGS = (
    Bug(
        "booked before dedupe",
        "Whether an execution is booked already is not asked first.",
        "A report that comes twice raises an alarm, or blocks its client's mailbox.",
        (Edit(BookExecution._fill, "if fill.trade_id in order.trades:", "if False:"),),
    ),
    Bug(
        "trade id of quantity and price",
        "A trade's id is derived from what was executed instead of the exchange's execution id.",
        "Two equal partial fills count as one: the client gets half of his shares.",
        (
            Edit(
                VenueExecution.trade_id,
                "self.execution_id)",
                'f"{self.client_order_id} {self.quantity} {self.price}")',
            ),
        ),
    ),
    Bug(
        "a new trade id for every report",
        "A trade's id is random.",
        "A report that comes twice is booked twice.",
        (
            Edit(
                VenueExecution.trade_id,
                "identifiers.trade_id(self.exchange_id, self.execution_id)",
                '"trd_" + __import__("uuid").uuid4().hex',
            ),
        ),
    ),
    Bug(
        "trade id without the exchange",
        "A trade's id is derived from the execution id alone.",
        "Two exchanges that count alike: one's executions are taken for the other's and are never booked.",
        (Edit(VenueExecution.trade_id, "trade_id(self.exchange_id,", 'trade_id("",'),),
    ),
    Bug(
        "overfill accepted",
        "An execution is held against what the order has left, not the child.",
        "An exchange's mistake is booked; the genuine executions of the other exchanges are refused.",
        (
            Edit(
                check_execution,
                "min(child.expected - child.filled, order.remaining)",
                "order.remaining",
            ),
        ),
    ),
    Bug(
        "price worse than the limit accepted",
        "The price of an execution is not checked.",
        "A client pays more than his limit.",
        (
            Edit(
                check_execution,
                "if (execution.price - order.protection_price) * order.side.sign > 0:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "wrong symbol accepted",
        "Symbol and side of a report are not compared with the order's.",
        "Shares that nobody traded.",
        (
            Edit(
                book_execution._check_instrument,
                "if (report.symbol, report.side) != (order.symbol, order.side):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "other account accepted",
        "The account of a report is not compared with the order's.",
        "Somebody else's trade in a client's books.",
        (Edit(BookExecution.report, "        or order.client_id != report.account\n", ""),),
    ),
    Bug(
        "trade without quantity accepted",
        "A trade's quantity is not checked.",
        "A message that never can be booked, and that nobody knows of.",
        (Edit(book_execution._fill_in, "report.last_quantity <= 0 or ", ""),),
    ),
    Bug(
        "fee rounded up in the ledger only",
        "The ledger's side of the fee is rounded up, the client's down.",
        "The client's balance is not what the ledger says.",
        (
            Edit(
                book,
                "ledger.fees_account(exchange.exchange_id), fees)",
                "ledger.fees_account(exchange.exchange_id), cents_up(rate * quantity))",
            ),
        ),
    ),
    Bug(
        "fee rounded up in the order only",
        "The order's fees are rounded up, the account's down.",
        "The client is shown fees that he did not pay.",
        (
            Edit(
                book,
                "execution.trade_id, quantity, notional, fees, now)",
                "execution.trade_id, quantity, notional, cents_up(rate * quantity), now)",
            ),
        ),
    ),
    Bug(
        "fee rounded up",
        "Fees are rounded like holds.",
        "Many small fills cost more than a large one.",
        (Edit(book, "cents_down(rate * quantity)", "cents_up(rate * quantity)"),),
    ),
    Bug(
        "order's notional not rounded",
        "The order sums price times quantity, the ledger amounts rounded to the cent.",
        "The client is shown an amount that he did not pay.",
        (
            Edit(
                book,
                "quantity, notional, fees, now)",
                "quantity, execution.price * quantity, fees, now)",
            ),
        ),
    ),
    Bug(
        "drawn credit not recorded",
        "A margin purchase takes the held credit and does not note it as used.",
        "The loan is forgotten: the client's credit comes back by itself.",
        (Edit(book, "credit_available=-drawn, credit_used=drawn", "credit_available=-drawn"),),
    ),
    Bug(
        "loan not in the ledger",
        "The ledger has no entry for what was drawn.",
        "The ledger and the balance differ by every loan.",
        (
            Edit(
                book,
                "        ledger.transfer(instrument.currency, ledger.LENDING, client, drawn),\n",
                "",
            ),
        ),
    ),
    Bug(
        "sale proceeds available at once",
        "A sale's proceeds go to available cash.",
        "The client withdraws money that has not been delivered.",
        (
            Edit(
                book,
                "account.move(unsettled=notional - fees)",
                "account.move(available=notional - fees)",
            ),
        ),
    ),
    Bug(
        "sale proceeds without the fee",
        "A sale credits the whole notional.",
        "The client's balance is more than the ledger says.",
        (
            Edit(
                book, "account.move(unsettled=notional - fees)", "account.move(unsettled=notional)"
            ),
        ),
    ),
    Bug(
        "settles on the next calendar day",
        "T+1 is computed with calendar days.",
        "Friday's trades are due on a Saturday, on which nothing settles.",
        (
            Edit(
                book,
                "settlement_date(trade_date, instrument.settlement_days)",
                "trade_date + __import__('datetime').timedelta(days=1)",
            ),
        ),
    ),
    Bug(
        "cost basis without fees",
        "What shares cost is their notional.",
        "A client is shown more profit than he made.",
        (
            Edit(
                book,
                "position.bought(quantity, notional + fees)",
                "position.bought(quantity, notional)",
            ),
        ),
    ),
    Bug(
        "announced cumulative ignored",
        "That an exchange is done with a child does not say how much it executed.",
        "Orders wait for executions that will never come.",
        (
            Edit(
                ChildOrder.expected,
                "self.quantity if self.reported_cumulative is None else self.reported_cumulative",
                "self.quantity",
            ),
        ),
    ),
    Bug(
        "a child ends without its fills",
        "The end of a child ends it with what is booked; what is still on its way is not waited for.",
        "Late fills are refused: the exchange's books and ours differ.",
        (
            Edit(
                ChildOrder.record_ending,
                "min(max(cumulative, self.filled), self.quantity)",
                "self.filled",
            ),
        ),
    ),
    Bug(
        "refused executions awaited",
        "What our books refused counts as not yet executed.",
        "The order waits for ever for what it has refused.",
        (Edit(ChildOrder.leaves, " - self.refused", ""),),
    ),
    Bug(
        "a break recorded twice",
        "Whether a break is on record is not asked first.",
        "A report that is refused and comes twice blocks its client's mailbox.",
        (
            Edit(
                BookExecution._record_break,
                "if any(known.kind is EntryKind.BREAK for known in self.books.entries([entry.trade_id])):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a break not recorded",
        "What our books refuse is only counted.",
        "Nobody can say later what the exchange had reported.",
        (
            Edit(
                BookExecution._record_break,
                "    if any(known",
                "    return order\n    if any(known",
            ),
        ),
    ),
    Bug(
        "reports of an order deduplicated",
        "The deduplication id of a report is its child order's.",
        "What an exchange reports wrongly is not put on record for people to look at.",
        (
            Edit(
                mailboxes.SqsMailboxes._send,
                "message.report.execution_id",
                "message.report.client_order_id",
            ),
        ),
    ),
)
