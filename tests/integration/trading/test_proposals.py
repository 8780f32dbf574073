"""Changes that need a second person, through the admin API."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.fakes.api_events import header, principal
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import LIMITS, REASON, ask, create, show
from tests.integration.trading.advances import advanced_shares
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.proposals import TableProposals
from trading.domain.clients.proposals import VALID_FOR, Proposal, ProposedChange
from trading.domain.clients.roles import Role, permissions_of

ANNA = principal("anna", " ".join(permissions_of([Role.TRANSFERS, Role.CLIENT_ADMINISTRATOR])))
BERT = principal("bert", " ".join(permissions_of([Role.TRANSFERS, Role.CLIENT_ADMINISTRATOR])))
MUCH = "100000.01"


@pytest.fixture(autouse=True)
def funds(system: System) -> None:
    """Carol has two transfers' worth of cash."""
    for number in range(3):
        body = {"reference": f"opening-{number}", "amount": "90000.00"}
        assert ask(system, "POST", "clients/carol/deposits", body, f"opening-{number}")[0] == 201


def available(system: System) -> str:
    return str(system.books.account("carol").available)


def propose(
    system: System, path: str = "clients/carol/withdrawals", key: str = "propose-1", **body: Any
) -> tuple[int, dict[str, Any], Any]:
    body = body or {"reference": "out-1", "amount": MUCH}
    method = "PUT" if path.endswith("limits") else "POST"
    return ask(system, method, path, body, key, authorizer=ANNA)


def decide(
    system: System,
    proposal_id: str,
    decision: str = "approval",
    key: str = "decide-1",
    who: dict[str, str] = BERT,
) -> tuple[int, dict[str, Any], Any]:
    path = f"proposals/{proposal_id}/{decision}"
    return ask(system, "POST", path, {"reason": "checked"}, key, authorizer=who)


def listed(system: System) -> list[dict[str, Any]]:
    status, body, _ = ask(system, "GET", "proposals", authorizer=BERT)
    assert status == 200
    items: list[dict[str, Any]] = body["items"]
    return items


def actions(system: System, subject: str) -> list[tuple[str, str]]:
    trail = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now)
    return [(entry.action, entry.who) for entry in trail.of(subject)]


def test_a_large_withdrawal_waits_for_a_second_person(system: System) -> None:
    status, proposed, answer = propose(system)
    assert (status, proposed["status"], proposed["change"]) == (202, "PENDING", "withdrawal")
    assert header(answer, "Location") == f"/api/v1/admin/proposals/{proposed['proposal_id']}"
    assert (proposed["value"], proposed["proposed_by"], proposed["reason"]) == (
        MUCH,
        "anna",
        REASON,
    )
    assert proposed["request"] == {"reference": "out-1", "amount": MUCH}
    assert available(system) == "271000.00"
    (line,) = listed(system)
    assert line == {name: proposed[name] for name in line}
    status, approved, _ = decide(system, proposed["proposal_id"])
    assert (status, approved["status"], approved["decided_by"]) == (200, "APPROVED", "bert")
    assert approved["decision_reason"] == "checked"
    assert available(system) == "170999.99"
    assert listed(system) == []
    shown = ask(system, "GET", f"proposals/{proposed['proposal_id']}", authorizer=BERT)
    assert shown[:2] == (200, approved)
    assert system.findings() == []
    who = {"anna": "anna (key-anna)", "bert": "bert (key-bert)"}
    assert actions(system, "client/carol")[-7:] == [
        ("propose", who["anna"]),
        ("proposed", who["anna"]),
        ("approve", who["bert"]),
        ("withdraw", who["bert"]),
        ("withdrawn", who["bert"]),
        ("approved", who["bert"]),
        ("look", who["bert"]),
    ]


def test_requests_are_repeated_under_their_keys(system: System) -> None:
    _, proposed, _ = propose(system)
    status, again, answer = propose(system)
    assert (status, again, header(answer, "Idempotency-Replayed")) == (202, proposed, "true")
    first = decide(system, proposed["proposal_id"])
    for key in ("decide-1", "decide-2"):
        status, approved, _ = decide(system, proposed["proposal_id"], key=key)
        assert (status, approved) == first[:2]
    assert propose(system)[:2] == (202, proposed)
    assert available(system) == "170999.99"
    # under another key, the transfer is found by its reference
    status, transfer, answer = propose(system, key="propose-2")
    assert (status, transfer["amount"]) == (201, MUCH)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert available(system) == "170999.99"


def test_nobody_approves_an_own_proposal_with_whichever_key(system: System) -> None:
    _, proposed, _ = propose(system)
    for key, api_key in (("own-1", "key-anna"), ("own-2", "another-key")):
        status, problem, _ = decide(
            system, proposed["proposal_id"], key=key, who=ANNA | {"api_key": api_key}
        )
        assert (status, problem["code"]) == (403, "OWN_PROPOSAL")
    assert actions(system, "operator/anna") == [
        ("refused", "anna (key-anna)"),
        ("refused", "anna (another-key)"),
    ]
    assert available(system) == "271000.00"
    assert decide(system, proposed["proposal_id"])[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "role", "permission"),
    [
        (
            "clients/carol/withdrawals",
            {"reference": "out-1", "amount": MUCH},
            Role.TRANSFERS,
            "transfers:write",
        ),
        (
            "clients/carol/limits",
            LIMITS | {"version": 1, "credit_limit": "1000000.01"},
            Role.CLIENT_ADMINISTRATOR,
            "limits:write",
        ),
    ],
)
def test_whoever_decides_may_make_the_change(
    system: System, path: str, body: dict[str, Any], role: Role, permission: str
) -> None:
    status, proposed, _ = propose(system, path, **body)
    assert status == 202
    for other in Role:
        carla = principal("carla", " ".join(permissions_of([other])))
        for decision in ("approval", "rejection"):
            if other is role:
                continue
            status, problem, _ = decide(
                system, proposed["proposal_id"], decision, f"{other}-{decision}", carla
            )
            assert (status, problem["code"]) == (403, "FORBIDDEN"), other
    trail = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of("operator/carla")
    needed = {"proposals:decide", permission}
    assert {entry.reason for entry in trail} == {f"lacks the permission {each}" for each in needed}
    assert {entry.action for entry in trail} == {"refused"}
    carla = principal("carla", " ".join(permissions_of([role])))
    assert decide(system, proposed["proposal_id"], key="right", who=carla)[0] == 200


def test_raised_limits_wait_for_a_second_person(system: System) -> None:
    wanted = LIMITS | {"credit_limit": "1000000.01"}
    status, proposed, _ = propose(system, "clients/carol/limits", **wanted, version=1)
    assert (status, proposed["value"], proposed["change"]) == (202, "1000000.01", "limits")
    assert show(system, "carol")["version"] == 1
    assert decide(system, proposed["proposal_id"])[0] == 200
    shown = show(system, "carol")
    assert {name: shown[name] for name in wanted} == wanted
    lower = wanted | {"credit_limit": "1000000.00"}
    assert propose(system, "clients/carol/limits", "lower", **lower, version=2)[0] == 200


def test_limits_of_a_client_that_changed_are_not_set(system: System) -> None:
    wanted = LIMITS | {"credit_limit": "1000000.01"}
    assert propose(system, "clients/carol/limits", "late", **wanted, version=7)[0] == 409
    _, proposed, _ = propose(system, "clients/carol/limits", **wanted, version=1)
    assert propose(system, "clients/carol/limits", "alone", **LIMITS, version=1)[0] == 200
    status, problem, _ = decide(system, proposed["proposal_id"])
    assert (status, problem["code"]) == (409, "VERSION_CONFLICT")
    assert ask(system, "GET", f"proposals/{proposed['proposal_id']}")[1]["status"] == "PENDING"


@pytest.mark.parametrize("limit", ["credit_limit", "daily_trading_limit"])
def test_a_new_client_gets_no_high_limits(system: System, limit: str) -> None:
    status, problem, _ = create(system, **{limit: "1000000.01"})
    assert (status, problem["code"], problem["details"]) == (
        422,
        "SECOND_PERSON_REQUIRED",
        {"limit": "1000000.00"},
    )
    assert [error["field"] for error in problem["errors"]] == [limit]
    assert ask(system, "GET", "clients/dave")[0] == 404
    assert create(system, "create-2", **{limit: "1000000.00"})[0] == 201


def test_shares_count_at_their_price_and_not_at_a_stated_cost(system: System) -> None:
    body = {"reference": "in-1", "symbol": "AAPL", "quantity": 10_000, "cost": "1.00"}
    status, proposed, _ = propose(system, "clients/carol/deposits", **body)
    assert (status, proposed["change"]) == (202, "deposit")
    assert proposed["request"] == body
    assert decide(system, proposed["proposal_id"])[0] == 200
    position = system.books.position("carol", "AAPL")
    assert (position.available, str(position.cost_basis)) == (10_000, "1.00")
    out = {"reference": "out-1", "symbol": "AAPL", "quantity": 10_000}
    assert propose(system, key="out-1", **out)[0] == 202


def test_the_close_of_a_large_advance_waits_for_a_second_person(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = advanced_shares(system, "carol")
    monkeypatch.setenv("TRANSFER_APPROVAL_ABOVE", "1.00")
    system.cool("admin")
    path = f"advances/{advance.trade_id}/closure"
    body = {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "case-1"}
    status, proposed, _ = propose(system, path, **body)
    assert (status, proposed["change"], proposed["subject"]) == (
        202,
        "advance-closure",
        advance.trade_id,
    )
    assert proposed["client_id"] == "carol"
    price = system.function("admin").api.registry.instrument("AAPL").reference_price
    assert Decimal(proposed["value"]) >= advance.shares * price
    assert decide(system, proposed["proposal_id"])[0] == 200
    status, closed, answer = propose(system, path, "again", **body)
    assert (status, closed["written_off_shares"]) == (201, advance.shares)
    assert header(answer, "Idempotency-Replayed") == "true"


def test_what_cannot_be_done_is_not_proposed(system: System) -> None:
    for number, (path, body, code) in enumerate(
        (
            (
                "clients/carol/withdrawals",
                {"reference": "r", "amount": "999999.00"},
                "NOT_WITHDRAWABLE",
            ),
            ("clients/nobody/deposits", {"reference": "r", "amount": "999999.00"}, "NOT_FOUND"),
            (
                "clients/carol/deposits",
                {"reference": "opening-0", "amount": "999999.00"},
                "REFERENCE_REUSED",
            ),
            (
                "clients/carol/deposits",
                {"reference": "r", "symbol": "NONE", "quantity": 1, "cost": "999999.00"},
                "UNKNOWN_SYMBOL",
            ),
            ("clients/nobody/limits", LIMITS | {"version": 1}, "NOT_FOUND"),
            (
                "advances/nothing/closure",
                {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "c"},
                "NOT_FOUND",
            ),
        )
    ):
        status, problem, _ = propose(system, path, f"{number}", **body)
        assert (status in (404, 422), problem["code"]) == (True, code), path
    assert listed(system) == []


def test_a_change_that_is_refused_at_the_approval_leaves_the_proposal(system: System) -> None:
    _, first, _ = propose(system, key="one", reference="out-1", amount="200000.00")
    _, second, _ = propose(system, key="two", reference="out-2", amount="200000.00")
    assert decide(system, first["proposal_id"], key="one")[0] == 200
    status, problem, _ = decide(system, second["proposal_id"], key="two")
    assert (status, problem["code"]) == (422, "NOT_WITHDRAWABLE")
    assert [line["proposal_id"] for line in listed(system)] == [second["proposal_id"]]
    assert available(system) == "71000.00"
    status, rejected, _ = decide(system, second["proposal_id"], "rejection", "three", ANNA)
    assert (status, rejected["status"], rejected["decided_by"]) == (200, "REJECTED", "anna")
    status, problem, _ = decide(system, second["proposal_id"], key="four")
    assert (status, problem["code"], problem["details"]) == (
        409,
        "PROPOSAL_DECIDED",
        {"status": "REJECTED", "decided_by": "anna"},
    )


def test_an_expired_proposal_is_neither_listed_nor_carried_out(system: System) -> None:
    _, proposed, _ = propose(system)
    system.venues.pass_time(VALID_FOR.total_seconds())
    assert listed(system) == []
    for decision in ("approval", "rejection"):
        status, problem, _ = decide(system, proposed["proposal_id"], decision, decision)
        assert (status, problem["code"]) == (409, "PROPOSAL_EXPIRED")
    assert ask(system, "GET", f"proposals/{proposed['proposal_id']}")[1]["status"] == "EXPIRED"
    assert available(system) == "271000.00"


@pytest.mark.parametrize("proposal_id", ["prp_0", "alice", "key-1"])
def test_an_unknown_proposal_is_not_found(system: System, proposal_id: str) -> None:
    answers = [
        ask(system, "GET", f"proposals/{proposal_id}"),
        decide(system, proposal_id),
        decide(system, proposal_id, "rejection"),
    ]
    for status, problem, _ in answers:
        assert (status, problem["code"]) == (404, "NOT_FOUND")
        assert problem["errors"][0]["field"] == "proposal_id"


def test_shares_are_not_moved_while_their_price_cannot_be_read(system: System) -> None:
    def fails(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="dynamodb")

    body = {"reference": "in-1", "symbol": "AAPL", "quantity": 10, "cost": "1.00"}
    prices = system.function("admin").api.second_person.prices
    events = prices._client.meta.events
    events.register("before-call.dynamodb.BatchGetItem", fails)
    status, problem, answer = propose(system, "clients/carol/deposits", **body)
    assert (status, problem["code"]) == (503, "PRICE_NOT_READ")
    assert header(answer, "Retry-After") == "1"
    assert system.books.position("carol", "AAPL").available == 0
    events.unregister("before-call.dynamodb.BatchGetItem", fails)
    assert propose(system, "clients/carol/deposits", **body)[0] == 201
    assert system.books.position("carol", "AAPL").available == 10


def test_all_that_waits_is_read_page_by_page_whatever_has_expired(system: System) -> None:
    now, table = system.now(), f"{PREFIX}proposals"

    def proposal(kind: str, number: int, at: datetime) -> Proposal:
        return Proposal(
            proposal_id=f"prp_{kind}_{number:03}",
            change=ProposedChange.WITHDRAWAL,
            client_id="carol",
            subject="carol",
            request="{}",
            value=Decimal(MUCH),
            proposed_by="anna",
            proposed_with="anna (key-anna)",
            reason=REASON,
            proposed_at=at + timedelta(seconds=number),
        )

    registry = system.function("admin").api.registry
    for number in range(101):
        registry.commit(proposal("old", number, now - VALID_FOR - timedelta(minutes=5)))
        registry.commit(proposal("new", number, now - timedelta(hours=1)))

    def in_pages(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 40

    events = system.dynamodb.meta.events
    events.register("provide-client-params.dynamodb.Query", in_pages)
    found = TableProposals(system.dynamodb, table).pending(now - VALID_FOR)
    assert [each.proposal_id for each in found] == [f"prp_new_{n:03}" for n in range(101)]
    assert [line["proposal_id"] for line in listed(system)] == [
        f"prp_new_{n:03}" for n in range(101)
    ]


def test_the_oldest_proposals_are_listed_first(system: System) -> None:
    for number in range(3):
        propose(system, key=f"p-{number}", reference=f"out-{number}", amount=MUCH)
        system.venues.pass_time(60)
    times = [line["proposed_at"] for line in listed(system)]
    assert times == sorted(times)
    assert len(times) == 3
