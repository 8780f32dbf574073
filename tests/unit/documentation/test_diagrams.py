"""Diagrams show the definitions that they are drawn from."""

import pytest

from documentation.diagrams import order_status, workflows
from documentation.fragments import FRAGMENTS
from trading.domain.orders.order_status import TRANSITIONS


def test_every_transition_of_an_order_is_drawn_and_no_other() -> None:
    arrows = {line.strip() for line in order_status.diagram().splitlines() if "-->" in line}
    expected = {
        f"{'[*]' if source is None else source} --> {target}"
        for source, targets in TRANSITIONS.items()
        for target in targets or {"[*]"}
    }
    assert arrows == expected


@pytest.mark.parametrize("name", ["order-lifecycle", "settlement-cycle"])
def test_every_state_of_a_workflow_is_drawn(name: str) -> None:
    drawn = workflows.diagram(name)
    machines = [workflows.definition(name)]
    for machine in machines:
        assert f"[*] --> {machine['StartAt']}" in drawn
        for state, body in machine["States"].items():
            assert state in drawn
            machines += [body["ItemProcessor"]] if "ItemProcessor" in body else []
    assert name in FRAGMENTS
