"""The catalogue of deliberate bugs. They show that the simulation can fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import workstation  # noqa: F401  (makes the layers importable)
from tests.simulation.bugs import (
    acceptance,
    booking,
    canceling,
    clearing,
    control,
    correcting,
    entry,
    execution,
    holds,
    messaging,
    reconciling,
    replacing,
    rights,
    second_factors,
    second_person,
    signatures,
    storage,
    streaming,
    sweeping,
    telling,
    views,
)
from tests.simulation.bugs.patching import Bug, in_place

AREAS: dict[str, tuple[Bug, ...]] = {
    "Storage": storage.BUGS,
    "Order entry and API": entry.BUGS,
    "Acceptance": acceptance.BUGS,
    "Holds": holds.BUGS,
    "Booking": booking.BUGS,
    "Corrections and busts": correcting.BUGS,
    "Routing and execution": execution.BUGS,
    "Canceling orders": canceling.BUGS,
    "Replacing orders": replacing.BUGS,
    "Sweeping and time": sweeping.BUGS,
    "Clearing and settlement": clearing.BUGS,
    "Messages and workflows": messaging.BUGS,
    "Events": telling.BUGS,
    "Stream": streaming.BUGS,
    "Reconciliation": reconciling.BUGS,
    "Rights": rights.BUGS,
    "Second person": second_person.BUGS,
    "Signed requests": signatures.BUGS,
    "Second factors": second_factors.BUGS,
    "Control and retries": control.BUGS,
    "What is shown and transferred": views.BUGS,
}
BUGS: dict[str, Bug] = {bug.name: bug for bugs in AREAS.values() for bug in bugs}


@contextmanager
def applied(name: str | None) -> Iterator[None]:
    """Put the bug of that name into the code for the duration of the context."""
    with in_place(BUGS[name].changes if name else ()):
        yield
