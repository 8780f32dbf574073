"""The settlement cycle of a settlement day: which clients settle, and when they have settled."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from trading.domain.reference import calendars
from trading.domain.values import Day, Frozen
from trading.usecases.ports import Clock, ObligationIndex, SettlementMailboxes
from trading.usecases.posttrade.settle_obligations import NotASettlementDayError, NotDueError

CLIENTS_PER_PAGE = 2000
LOOK_BACK = timedelta(days=100)
"""Every cycle tries an obligation again for so long after its settlement date."""
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 60
QUIET_SECONDS = 360
"""A cycle stops looking when nothing has been settled for so long. A worker gives up a message
sooner, unless a slow depository makes each message go on in another one.
"""


class PlannedClient(Frozen):
    """A client with obligations due."""

    client_id: str


class Plan(Frozen):
    """A page of clients with obligations due. `cursor` names the next page, if there is one.

    `due_since`: the oldest date on which something is due. Only the first page says it.
    """

    settlement_date: Day
    is_settlement_day: bool
    clients: tuple[PlannedClient, ...]
    cursor: str | None
    due_since: Day | None = None


class Progress(Frozen):
    """What the cycle knows of the mailboxes, from one look at the due obligations to the next.

    `due`: how many there were at the last look. `quiet_seconds`: for how long no obligation has
    been settled. `wait_seconds`: until the next look. `is_over`: the cycle stops looking.
    """

    due_since: Day
    due: int | None = None
    quiet_seconds: int = 0
    wait_seconds: int = SHORTEST_WAIT_SECONDS
    is_over: bool = False

    def seen(self, due: int) -> "Progress":
        """The progress after a look that found so many obligations due."""
        if due and (self.due is None or due < self.due):
            return Progress(due_since=self.due_since, due=due)
        quiet = self.quiet_seconds + self.wait_seconds
        return Progress(
            due_since=self.due_since,
            due=due,
            quiet_seconds=quiet,
            wait_seconds=min(2 * self.wait_seconds, LONGEST_WAIT_SECONDS),
            is_over=not due or quiet >= QUIET_SECONDS,
        )


class AskedPage(Frozen):
    """A page of clients that were asked to settle. `progress` is None if no page had any so far."""

    settlement_date: Day
    is_settlement_day: bool
    asked: int
    cursor: str | None
    progress: Progress | None


def check_startable(settlement_date: date | None, now: datetime) -> None:
    """Raise unless an operator may start the cycle of a date now. None stands for today.

    A cycle takes the trades that are due on its date. So the cycle of a later date would settle
    trades before they are due. Raises NotDueError and NotASettlementDayError.
    """
    today = calendars.date_in_new_york(now)
    day = settlement_date or today
    if day > today:
        raise NotDueError(f"{day} has not come: in New York it is {today}")
    try:
        settles = calendars.is_settlement_day(day)
    except calendars.CalendarRangeError as error:
        raise NotASettlementDayError(str(error)) from error
    if not settles:
        raise NotASettlementDayError(f"nothing settles on {day}: exchanges or banks are closed")


@dataclass(frozen=True)
class PlanSettlement:
    """Pages through the clients with something due in the last `LOOK_BACK`.

    A client may be on two pages. The second settlement then finds nothing to do.
    """

    books: ObligationIndex
    clock: Clock

    def __call__(self, settlement_date: date | None, cursor: str | None) -> Plan:
        """The page after the cursor.

        Without a date it is today in New York. Nothing settles on a day that is no settlement day,
        for instance on Columbus Day.
        """
        day = settlement_date or calendars.date_in_new_york(self.clock())
        if not calendars.is_settlement_day(day):
            return Plan(settlement_date=day, is_settlement_day=False, clients=(), cursor=None)
        first = day - LOOK_BACK
        found, end = self.books.clients_due(first, day, cursor, CLIENTS_PER_PAGE)
        return Plan(
            settlement_date=day,
            is_settlement_day=True,
            clients=tuple(PlannedClient(client_id=client_id) for client_id in found),
            cursor=end,
            due_since=None if cursor else self.books.due_since(first, day),
        )


@dataclass(frozen=True)
class AskClients:
    """Puts a message into the mailbox of each client with obligations due.

    It can be repeated: a client that is asked twice settles once.
    """

    plan: PlanSettlement
    mailboxes: SettlementMailboxes

    def __call__(
        self,
        settlement_date: date | None,
        cursor: str | None,
        progress: Progress | None,
        correlation_id: str,
    ) -> AskedPage:
        """Ask the clients of the page after the cursor. `progress` comes from the page before.

        A client whose mailbox takes no message stops no other. Its obligations stay due.
        """
        page = self.plan(settlement_date, cursor)
        clients = [client.client_id for client in page.clients]
        refused = self.mailboxes.settle(clients, page.settlement_date, correlation_id)
        if progress is None and page.due_since:
            progress = Progress(due_since=page.due_since)
        return AskedPage(
            settlement_date=page.settlement_date,
            is_settlement_day=page.is_settlement_day,
            asked=len(clients) - len(refused),
            cursor=page.cursor,
            progress=progress,
        )


@dataclass(frozen=True)
class LookAtSettlement:
    """Tells whether the mailboxes have settled what they can.

    It reads the books, because a queue counts its messages only approximately.
    """

    books: ObligationIndex

    def __call__(self, settlement_date: date, progress: Progress) -> Progress:
        """The progress after one more look."""
        return progress.seen(self.books.number_due(progress.due_since, settlement_date))
