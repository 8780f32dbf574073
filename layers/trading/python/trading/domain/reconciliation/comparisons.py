"""The pairs of numbers that must be equal: what an entity states, and what others add up to."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from trading.domain import ledger
from trading.domain.reconciliation.findings import Finding

CLOCKS_DIFFER_BY = timedelta(seconds=1)
"""Many machines write histories. Two times that lie closer together do not say which was first."""


class Comparison(NamedTuple):
    """Two numbers that must be equal. stated, derived: what a finding calls each of them."""

    invariant: int
    stated: str
    derived: str


BOOKED = Comparison(1, "balance", "ledger")
LENT = Comparison(1, "credit used", "ledger lends")
CASH_HELD = Comparison(3, "cash held", "orders hold")
CREDIT_HELD = Comparison(3, "credit held", "orders hold")
SHARES_HELD = Comparison(3, "shares held", "orders hold")
PROCEEDS_DUE = Comparison(3, "unsettled and used", "sales not yet settled")
SHARES_DUE = Comparison(3, "unsettled", "trades due")
RECEIVABLE = Comparison(3, "receivable", "purchases due")
OPEN = Comparison(3, "named as open", "open")
FILLED = Comparison(5, "filled", "fills sum to")


@dataclass(slots=True)
class Sides:
    """The two numbers of a comparison. stated: None if no entity states a number."""

    stated: Decimal | int | None = None
    derived: Decimal | int = 0


@dataclass(slots=True)
class ClientSums:
    """The sums of one client.

    sides: by comparison and subject. The subject of a balance is its asset, that of an order its
    id. routed: (sequence, time of routing, order id) by the open that the orders waited for. Orders
    that waited for different opens may overtake each other.
    """

    currency: str | None = None
    sides: dict[tuple[Comparison, str], Sides] = field(default_factory=lambda: defaultdict(Sides))
    routed: dict[datetime | None, list[tuple[int, datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def unequal_sides(
    client_id: str, client: ClientSums, currencies: set[str | None]
) -> Iterator[Finding]:
    """The comparisons of a client whose two numbers differ."""
    for (comparison, name), sides in client.sides.items():
        if (sides.stated or 0) == sides.derived:
            continue
        invariant, subject = comparison.invariant, f"{client_id}/{name}" if name else client_id
        if comparison in (FILLED, OPEN):
            subject = name
        elif comparison is BOOKED and sides.stated is None:
            invariant, subject = (
                1 if name in currencies else 2,
                f"{ledger.client_account(client_id)}/{name}",
            )
        elif comparison is BOOKED and name == client.currency:
            subject = client_id
        elif comparison is BOOKED:
            invariant = 2
        stated = "none" if sides.stated is None else sides.stated
        message = f"{comparison.stated} {stated}, {comparison.derived} {sides.derived or 0}"
        yield Finding(invariant=invariant, subject=subject, message=message)


def overtaken_orders(client: ClientSums) -> Iterator[Finding]:
    """The orders that were routed before an order that was accepted earlier.

    An order that ended before it was routed is not among them.
    """
    for routed in client.routed.values():
        for (_, before, earlier), (_, after, later) in pairwise(sorted(routed)):
            if before - after > CLOCKS_DIFFER_BY:
                yield Finding(
                    invariant=8,
                    subject=later,
                    message=f"routed before {earlier}, accepted after it",
                )
