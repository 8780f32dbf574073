"""Reconciliation of the books while the system trades.

It looks at everything once, a second time if the first look finds something, and saves a report.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from trading.domain.ledger import Break
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation.checks import Reconciliation
from trading.domain.reconciliation.findings import INVARIANTS, Finding
from trading.domain.reconciliation.snapshot import Entity
from trading.domain.reference.calendars import settlement_over
from trading.domain.values import Frozen, Timestamp
from trading.usecases.ports import Clock

LISTED = 100
MESSAGE_LENGTH = 300
"""A report must fit into one item, however long the messages of its findings are."""


@dataclass(frozen=True)
class Page:
    """What one read of a table returned. An entity that cannot be read is a finding instead."""

    table: str
    items: int
    entities: Sequence[Entity | Finding]
    read_units: Decimal


class BooksReader(Protocol):
    """Reads everything in the books page by page: accounts, then orders, then the ledger."""

    def pages(self, *, consistent: bool) -> Iterator[Page]: ...


class Reports(Protocol):
    """Keeps reports."""

    def save(self, report: "Report") -> None: ...


class ReportedFinding(Finding):
    """A finding. `confirmed`: a second look, which is strongly consistent, showed it again."""

    confirmed: bool

    @classmethod
    def of(cls, finding: Finding, confirmed: bool) -> "ReportedFinding":
        """From a look."""
        message = finding.message[:MESSAGE_LENGTH]
        return cls(
            invariant=finding.invariant,
            subject=finding.subject,
            message=message,
            confirmed=confirmed,
        )


class ReportedBreak(Frozen):
    """A BREAK entry of the ledger, without its evidence."""

    trade_id: str
    client_id: str
    order_id: str | None = None
    code: str
    reason: str
    booked_at: Timestamp

    @classmethod
    def of(cls, entry: Break) -> "ReportedBreak":
        """From the ledger."""
        kept = entry.model_dump(include=set(cls.model_fields))
        return cls.model_validate(kept | {"reason": entry.reason[:MESSAGE_LENGTH]})


class Report(Frozen):
    """What a run found.

    `complete`: there was time for all that had to be read.
    `overdue`: how many obligations are due although the settlement cycles of their day are over.
    `in_motion`: how many clients traded while the tables were read. They are not judged.
    `broken`: the number of confirmed findings by invariant.
    `unconfirmed`: the number of findings of the first look that the second look did not show.
    Only the first 100 findings and the first 100 breaks are listed.
    """

    started_at: Timestamp
    finished_at: Timestamp
    complete: bool
    items: dict[str, int]
    read_units: Decimal
    in_motion: int
    overdue: int = 0
    broken: dict[str, int]
    unconfirmed: int
    findings: tuple[ReportedFinding, ...] = ()
    breaks: int
    recent_breaks: tuple[ReportedBreak, ...] = ()


@dataclass(frozen=True)
class _Look:
    """What one look at the books found."""

    complete: bool
    items: Counter[str]
    read_units: Decimal
    in_motion: int
    overdue: int
    findings: Sequence[Finding]
    breaks: Sequence[Break]

    def shows(self, finding: Finding) -> bool:
        """Whether this look has a finding about the same invariant and subject."""
        return _about(finding) in self._subjects

    @cached_property
    def _subjects(self) -> frozenset[tuple[int, str]]:
        return frozenset(map(_about, self.findings))


def _about(finding: Finding) -> tuple[int, str]:
    return finding.invariant, finding.subject


@dataclass(frozen=True)
class ReconcileBooks:
    """Checks every invariant over the tables while the system trades.

    It may run at any time, and several runs may overlap.
    """

    reader: BooksReader
    reports: Reports
    clock: Clock

    def __call__(self, stop_at: datetime) -> Report:
        """Read everything, until `stop_at` at the latest. Save the report and return it."""
        started_at = self.clock()
        first = self._look(stop_at, consistent=False)
        second = self._look(stop_at, consistent=True) if first.findings and first.complete else None
        report = _report(first, second, started_at, self.clock())
        self.reports.save(report)
        return report

    def _look(self, stop_at: datetime, *, consistent: bool) -> _Look:
        began = self.clock()
        reconciliation = Reconciliation(began=began)
        items: Counter[str] = Counter()
        overdue = 0
        read_units = Decimal(0)
        complete = True
        for page in self.reader.pages(consistent=consistent):
            items[page.table] += page.items
            read_units += page.read_units
            for entity in page.entities:
                reconciliation.add(entity)
                overdue += isinstance(entity, Obligation) and (
                    settlement_over(entity.settlement_date) <= began
                )
            if self.clock() >= stop_at:
                complete = False
                break
        # If only a part was read, only what is wrong by itself counts.
        findings = list(reconciliation.findings()) if complete else reconciliation.wrong
        breaks = sorted(reconciliation.breaks, key=lambda entry: entry.booked_at, reverse=True)
        in_motion = len(reconciliation.in_motion)
        return _Look(complete, items, read_units, in_motion, overdue, findings, breaks)


def _report(first: _Look, second: _Look | None, started_at: datetime, now: datetime) -> Report:
    """The report of one look or two. A finding is confirmed if the second look shows it, too."""
    looks = [look for look in (first, second) if look]
    confirmed = [f for f in first.findings if second and second.shows(f)]
    unconfirmed = [f for f in first.findings if not (second and second.shows(f))]
    broken = Counter(f.invariant for f in confirmed)
    listed = [
        *((f, True) for f in sorted(confirmed, key=_about)),
        *((f, False) for f in sorted(unconfirmed, key=_about)),
    ]
    return Report(
        started_at=started_at,
        finished_at=now,
        complete=all(look.complete for look in looks),
        items={table: first.items[table] for table in ("accounts", "orders", "ledger")},
        read_units=sum((look.read_units for look in looks), Decimal(0)),
        in_motion=first.in_motion,
        overdue=first.overdue,
        broken={str(number): broken[number] for number in INVARIANTS},
        unconfirmed=len(unconfirmed),
        findings=tuple(ReportedFinding.of(finding, sure) for finding, sure in listed[:LISTED]),
        breaks=len(first.breaks),
        recent_breaks=tuple(ReportedBreak.of(entry) for entry in first.breaks[:LISTED]),
    )
