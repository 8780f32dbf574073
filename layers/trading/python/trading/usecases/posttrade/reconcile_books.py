"""Reconciliation of living books: a look at everything, a second one if the first finds something,
and a report.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from trading.domain.ledger import Break
from trading.domain.reconciliation import INVARIANTS, Entity, Finding, Reconciliation
from trading.domain.values import Frozen, Timestamp
from trading.usecases.ports import Clock

LISTED = 100
MESSAGE_LENGTH = 300
"""A report must fit into one item, whatever a history of a thousand fills has to say."""


@dataclass(frozen=True)
class Page:
    """What one read of a table gave; a finding in the place of an entity that could not be read."""

    table: str
    items: int
    entities: Sequence[Entity | Finding]
    read_units: Decimal


class BooksReader(Protocol):
    """Everything in the books, page by page: the accounts first, then the orders, then the ledger."""

    def pages(self, *, consistent: bool) -> Iterator[Page]: ...


class Reports(Protocol):
    """Where reports are kept."""

    def save(self, report: "Report") -> None: ...


class ReportedFinding(Finding):
    """A finding, and whether a second look, strongly consistent, showed it again."""

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
    """What a run found. Not `complete`: time was over before everything was read (and, if something
    was found, read twice).

    `in_motion`: clients who traded while the tables were read, not judged. `broken`: confirmed
    findings by invariant. `unconfirmed`: findings of the first look that the second did not show.
    Of findings and breaks, the first 100 are listed.
    """

    started_at: Timestamp
    finished_at: Timestamp
    complete: bool
    items: dict[str, int]
    read_units: Decimal
    in_motion: int
    broken: dict[str, int]
    unconfirmed: int
    findings: tuple[ReportedFinding, ...] = ()
    breaks: int
    recent_breaks: tuple[ReportedBreak, ...] = ()


@dataclass(frozen=True)
class _Look:
    """What one reading of the books gave."""

    complete: bool
    items: Counter[str]
    read_units: Decimal
    in_motion: int
    findings: Sequence[Finding]
    breaks: Sequence[Break]

    def shows(self, finding: Finding) -> bool:
        """Whether it, too, has a finding about the same."""
        return _about(finding) in self._subjects

    @cached_property
    def _subjects(self) -> frozenset[tuple[int, str]]:
        return frozenset(map(_about, self.findings))


def _about(finding: Finding) -> tuple[int, str]:
    return finding.invariant, finding.subject


@dataclass(frozen=True)
class ReconcileBooks:
    """Checks every invariant over the tables as they are, while the system trades. Harmless at any
    time and in any number.
    """

    reader: BooksReader
    reports: Reports
    clock: Clock

    def __call__(self, stop_at: datetime) -> Report:
        """Read everything, until `stop_at` at the latest; save and answer the report."""
        started_at = self.clock()
        first = self._look(stop_at, consistent=False)
        second = self._look(stop_at, consistent=True) if first.findings and first.complete else None
        looks = [look for look in (first, second) if look]
        confirmed = [f for f in first.findings if second and second.shows(f)]
        unconfirmed = [f for f in first.findings if not (second and second.shows(f))]
        broken = Counter(f.invariant for f in confirmed)
        listed = [(f, True) for f in sorted(confirmed, key=_about)] + [
            (f, False) for f in sorted(unconfirmed, key=_about)
        ]
        report = Report(
            started_at=started_at,
            finished_at=self.clock(),
            complete=all(look.complete for look in looks),
            items={table: first.items[table] for table in ("accounts", "orders", "ledger")},
            read_units=sum((look.read_units for look in looks), Decimal(0)),
            in_motion=first.in_motion,
            broken={str(number): broken[number] for number in INVARIANTS},
            unconfirmed=len(unconfirmed),
            findings=tuple(ReportedFinding.of(finding, sure) for finding, sure in listed[:LISTED]),
            breaks=len(first.breaks),
            recent_breaks=tuple(ReportedBreak.of(entry) for entry in first.breaks[:LISTED]),
        )
        self.reports.save(report)
        return report

    def _look(self, stop_at: datetime, *, consistent: bool) -> _Look:
        reconciliation = Reconciliation(began=self.clock())
        items: Counter[str] = Counter()
        read_units = Decimal(0)
        complete = True
        for page in self.reader.pages(consistent=consistent):
            items[page.table] += page.items
            read_units += page.read_units
            for entity in page.entities:
                reconciliation.add(entity)
            if self.clock() >= stop_at:
                complete = False
                break
        # Of books that were read in part only that counts which is wrong by itself.
        findings = list(reconciliation.findings()) if complete else reconciliation.wrong
        breaks = sorted(reconciliation.breaks, key=lambda entry: entry.booked_at, reverse=True)
        return _Look(complete, items, read_units, len(reconciliation.in_motion), findings, breaks)
