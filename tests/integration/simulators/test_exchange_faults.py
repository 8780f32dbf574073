import pytest

from tests.integration.simulators.world import World


def execution_ids(world: World) -> list[str]:
    return [report["execution_id"] for report in world.owner.reports]


def test_a_duplicate_is_the_same_report_again(world: World) -> None:
    world.configure("XNYS", duplicate_rate=1)
    world.submit()
    world.match()
    executions = [each["execution_id"] for each in world.status().body["executions"]]
    assert sorted(execution_ids(world)) == sorted(executions * 2)
    assert len({received.body for received in world.owner.received}) == len(executions)


def test_a_silent_exchange_reports_nothing_but_answers_requests(world: World) -> None:
    world.configure("XNYS", silence_rate=1)
    world.submit()
    world.match()
    world.tick()
    assert world.owner.received == []
    state = world.status().body
    assert (state["status"], sum(each["quantity"] for each in state["executions"])) == (
        "FILLED",
        100,
    )
    assert world.open_work() == []


def test_a_late_report_is_sent_at_a_later_tick(world: World) -> None:
    world.configure("XNYS", late_rate=1, late_seconds=90)
    world.submit()
    world.match()
    world.tick()
    assert world.owner.received == []
    world.tick()
    assert execution_ids(world) == [
        each["execution_id"] for each in world.status().body["executions"]
    ]
    assert world.open_work() == []


def test_reports_can_be_sent_in_disorder(world: World) -> None:
    world.configure("XNYS", out_of_order_rate=1, displayed_size=100)
    world.submit(quantity=300, time_in_force="IOC")
    world.match()
    assert world.owner.reports[0]["exec_type"] == "CANCELED"
    quantities = [report["cumulative_quantity"] for report in world.owner.reports]
    assert quantities == sorted(quantities, reverse=True)


def test_a_seeded_reject_is_reported(world: World) -> None:
    world.configure("XNYS", reject_rate=1)
    assert world.submit().status == 202
    world.match()
    assert [report["exec_type"] for report in world.owner.reports] == ["REJECTED"]
    assert world.status().body["status"] == "REJECTED"


@pytest.mark.parametrize("failure", [503, 302, 401])
def test_a_report_is_repeated_unchanged_until_it_is_answered_200(
    world: World, failure: int
) -> None:
    world.owner.answers = [failure] * 3
    world.submit(quantity=1)
    world.match()
    world.tick(59)
    assert len(world.owner.received) == 1
    world.tick(1)
    world.tick(119)
    assert len(world.owner.received) == 2
    world.tick(1)
    world.tick(240)
    assert len(world.owner.received) == 4
    assert len({received.body for received in world.owner.received}) == 1
    assert world.open_work() == []


def test_an_unreachable_owner_is_tried_again(world: World) -> None:
    world.owner.close()
    world.submit()
    (worked,) = world.match()
    assert worked["answered"] == 0 < worked["unanswered"]
    assert world.open_work() == ["ord_1-1"]


def test_a_report_is_dropped_after_a_day(world: World) -> None:
    world.owner.answers = [503] * 2
    world.submit(quantity=1)
    world.match()
    assert world.tick(24 * 3600)["abandoned"] == 1
    assert world.open_work() == []


def test_an_exchange_that_is_down_refuses_requests_and_keeps_its_orders(world: World) -> None:
    world.submit()
    world.configure("XNYS", down_rate=1)
    world.match()
    world.tick()
    for answer in (world.submit(client_order_id="ord_2-1"), world.status(), world.cancel()):
        assert (answer.status, answer.body["code"]) == (503, "EXCHANGE_DOWN")
    assert set(world.quote()) == {"XNAS", "ARCX", "BATS"}
    assert world.owner.received == []
    assert world.submit("XNAS").status == 202

    world.configure("XNYS")
    assert world.status("ord_2-1").status == 404
    assert world.status().body["status"] == "NEW"
    world.tick()
    assert world.status().body["status"] == "FILLED"
