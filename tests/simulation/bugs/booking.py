"""Booking the executions that exchanges report."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.messaging import mailboxes
from trading.domain.orders import booking
from trading.domain.orders.booking import VenueExecution, book, check_execution
from trading.domain.orders.child_order import ChildOrder
from trading.usecases.execution import book_execution
from trading.usecases.execution.book_execution import BookExecution

BUGS = (
    Bug(
        "booked before dedupe",
        "Booking does not check first that the execution is already booked.",
        "A report that comes twice raises an alarm or blocks its client's mailbox.",
        (Edit(BookExecution._fill, "if fill.trade_id in order.trades:", "if False:"),),
    ),
    Bug(
        "trade id of quantity and price",
        "A trade's id is derived from quantity and price, not from the exchange's execution id.",
        "Two equal partial fills count as one. The client gets half of the shares.",
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
        "Two exchanges use the same execution ids. The executions of one are never booked.",
        (Edit(VenueExecution.trade_id, "trade_id(self.exchange_id,", 'trade_id("",'),),
    ),
    Bug(
        "overfill accepted",
        "An execution is checked against the rest of the order, not against the rest of the child.",
        "An exchange's mistake is booked. Genuine executions of the other exchanges are refused.",
        (
            Edit(
                check_execution,
                "min(child.expected - child.executed, order.remaining)",
                "order.remaining",
            ),
        ),
    ),
    Bug(
        "price worse than the limit accepted",
        "The price of an execution is not checked.",
        "A client pays more than the order's limit.",
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
        "The books show shares that nobody traded.",
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
        "Another client's trade gets into a client's books.",
        (Edit(BookExecution.report, "        or order.client_id != report.account\n", ""),),
    ),
    Bug(
        "trade without quantity accepted",
        "A trade's quantity is not checked.",
        "A message can never be booked, and nobody learns of it.",
        (Edit(book_execution._fill_in, "report.last_quantity <= 0 or ", ""),),
    ),
    Bug(
        "fee rounded up in the ledger only",
        "The fee is rounded up in the ledger and down in the client's account.",
        "The client's balance differs from the ledger.",
        (
            Edit(
                book,
                "ledger.fees_account(exchange.exchange_id), fees)",
                "ledger.fees_account(exchange.exchange_id), cents_up(rate * quantity))",
            ),
        ),
    ),
    Bug(
        "fees paid to another exchange",
        "All fees go to the account of one exchange.",
        "One exchange's bill is too high and the others' are never paid.",
        (
            Edit(
                book,
                "ledger.fees_account(exchange.exchange_id), fees)",
                'ledger.fees_account("XNYS"), fees)',
            ),
        ),
    ),
    Bug(
        "fee of the dearest exchange",
        "A buy pays the fee that was held for, which is that of the dearest exchange.",
        "Clients pay fees that no exchange charges.",
        (
            Edit(
                booking.fees_of,
                "min(rate, order.hold_fee_per_share)",
                "order.hold_fee_per_share",
            ),
        ),
    ),
    Bug(
        "fee rounded up in the order only",
        "The fee is rounded up in the order and down in the account.",
        "The client is shown fees that were never charged.",
        (
            Edit(
                book,
                "execution.trade_id, quantity, notional, fees, now)",
                "execution.trade_id, quantity, notional, "
                "cents_up(exchange.fee_per_share * quantity), now)",
            ),
        ),
    ),
    Bug(
        "fee rounded up",
        "The fee of a fill is rounded up, and the fee in a hold down.",
        "Many small fills cost more than a large one.",
        (
            Edit(
                booking.fees_of,
                "fee_of(rate, quantity, notional)",
                "min(cents_up(rate * quantity), notional)",
            ),
        ),
    ),
    Bug(
        "order's notional not rounded",
        "The order sums price times quantity. The ledger sums amounts rounded to the cent.",
        "The client is shown an amount that was never paid.",
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
        "A margin purchase takes the held credit but does not record it as used.",
        "The loan is forgotten, and the client's credit comes back by itself.",
        (Edit(book, "credit_available=-drawn, credit_used=drawn", "credit_available=-drawn"),),
    ),
    Bug(
        "loan not in the ledger",
        "The ledger has no entry for the drawn credit.",
        "Ledger and balance differ by every loan.",
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
        "A sale credits the whole notional, without deducting the fee.",
        "The client's balance is higher than the ledger says.",
        (
            Edit(
                book, "account.move(unsettled=notional - fees)", "account.move(unsettled=notional)"
            ),
        ),
    ),
    Bug(
        "settles on the next calendar day",
        "T+1 counts calendar days instead of settlement days.",
        "Friday's trades are due on a Saturday, when nothing settles.",
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
        "The cost of bought shares is their notional, without fees.",
        "A client is shown too much profit.",
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
        "The cumulative quantity of an exchange's end report is ignored.",
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
        "A child ends with the booked quantity. Fills still on their way are not waited for.",
        "Late fills are refused, so the exchange's books and ours differ.",
        (
            Edit(
                ChildOrder.record_ending,
                "min(max(cumulative, self.executed), self.quantity)",
                "self.executed",
            ),
        ),
    ),
    Bug(
        "refused executions awaited",
        "The quantity of refused executions counts as not yet executed.",
        "The order waits for ever for executions that it has refused.",
        (Edit(ChildOrder.leaves, " - self.refused", ""),),
    ),
    Bug(
        "a break recorded twice",
        "The break is recorded without checking that it is on record already.",
        "A refused report that comes twice blocks its client's mailbox.",
        (
            Edit(
                BookExecution._record_break,
                "if self._is_recorded(entry):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "an unknown event forgotten",
        "A report of an event that we do not know is only counted.",
        "Nobody can say later what the exchange had reported.",
        (
            Edit(
                BookExecution._keep,
                "if not self._is_recorded(entry):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "any time is believed",
        "The trade date is the business date of whatever time the exchange states.",
        "A wrong clock makes trades that are due in four years.",
        (
            Edit(
                book,
                "trade_date_of(order, instrument, execution.executed_at, now)",
                "__import__('trading.domain.reference.calendars', fromlist=['x'])"
                ".business_date(execution.executed_at)",
            ),
        ),
    ),
    Bug(
        "a break not recorded",
        "A refused execution is only counted.",
        "Nobody can say later what the exchange had reported.",
        (
            Edit(
                BookExecution._record_break,
                "    if self._is_recorded(entry)",
                "    return order\n    if self._is_recorded(entry)",
            ),
        ),
    ),
    Bug(
        "reports of an order deduplicated",
        "The deduplication id of a report is the id of its child order.",
        "An exchange's wrong report is not recorded for people to look at.",
        (
            Edit(
                mailboxes.SqsMailboxes._deduplication_id,
                "message.report.execution_id",
                "message.report.client_order_id",
            ),
            Edit(
                mailboxes.SqsMailboxes._deduplication_id,
                "message.report.statement.model_dump_json()",
                '""',
            ),
        ),
    ),
)
