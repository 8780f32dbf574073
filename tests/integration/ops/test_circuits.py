"""The circuits on the command line: their state, its time, the cause, and the execution quality."""

from datetime import timedelta
from decimal import Decimal

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition

from tests.integration.backing import PREFIX
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import put
from trading.adapters.venues import circuit
from trading.adapters.venues.exchanges import circuit_name
from trading.domain.values import iso

CONTROL = f"{PREFIX}control"


def move(operator: Operator, old: str, new: str, cause: str = "") -> None:
    """Make a transition of XNYS as the breaker's hook and its store write it."""
    transition = CircuitTransition(circuit_name("XNYS"), CircuitState(old), CircuitState(new))
    now = operator.system.now()
    circuit.record(operator.system.dynamodb, CONTROL, "XNYS", transition, cause, 3, now)
    put(
        operator.system.dynamodb,
        CONTROL,
        {"name": circuit_name("XNYS"), "state": new, "opened_at": int(now.timestamp())},
    )


def test_circuits_that_never_opened_are_closed(operator: Operator) -> None:
    answer = operator.ask("circuits")
    assert {row["exchange_id"] for row in answer} == {"XNYS", "XNAS", "ARCX", "BATS"}
    assert {(row["state"], row["since"], row["quality"]) for row in answer} == {
        ("closed", None, None)
    }


def test_an_outage_is_shown_from_its_cause_to_its_end(operator: Operator) -> None:
    put(
        operator.system.dynamodb,
        CONTROL,
        {"name": "QUALITY#XNYS", "score": Decimal("0.5"), "version": 1},
    )
    began = operator.system.now()
    move(operator, "CLOSED", "OPEN", "POST /exchanges/XNYS/orders: no answer")
    operator.system.venues.pass_time(20)
    move(operator, "HALF_OPEN", "OPEN", "GET: 500")
    row = next(r for r in operator.ask("circuits", status=1) if r["exchange_id"] == "XNYS")
    assert (row["state"], row["since"], row["quality"]) == ("open", iso(began), "0.5")
    outage = row["latest_outage"]
    assert (outage["cause"], outage["last_error"]) == (
        "POST /exchanges/XNYS/orders: no answer",
        "GET: 500",
    )
    assert outage["failures"] == 4
    assert outage["last_failed_at"] == iso(began + timedelta(seconds=20))
    status, out, _ = operator.run("circuits")
    assert status == 1
    assert "no answer" in out

    operator.system.venues.pass_time(20)
    move(operator, "HALF_OPEN", "CLOSED")
    row = next(r for r in operator.ask("circuits") if r["exchange_id"] == "XNYS")
    assert (row["state"], row["since"]) == ("closed", iso(began + timedelta(seconds=40)))
    assert row["latest_outage"]["cause"] == "POST /exchanges/XNYS/orders: no answer"


@pytest.mark.parametrize(("state", "probe"), [("OPEN", "in 1"), ("HALF_OPEN", "under way")])
def test_the_time_of_the_next_probe_is_shown(operator: Operator, state: str, probe: str) -> None:
    put(
        operator.system.dynamodb,
        CONTROL,
        {
            "name": circuit_name("XNYS"),
            "state": state,
            "opened_at": int(operator.system.now().timestamp()),
        },
    )
    status, out, _ = operator.run("circuits")
    assert status == 1
    assert probe in out


def test_a_circuit_that_is_due_for_a_probe_waits_for_the_next_call(operator: Operator) -> None:
    move(operator, "CLOSED", "OPEN", "silence")
    operator.system.venues.pass_time(60)
    assert "with the next call" in operator.run("circuits")[1]
