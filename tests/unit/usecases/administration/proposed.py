"""A proposed withdrawal, and the operators who decide on it."""

from collections.abc import Callable

from tests.fakes.builders import D
from tests.fakes.office import Office
from trading.domain.clients.proposals import Proposal, ProposedChange
from trading.usecases.administration.operator_actions import Approval, Operator, TriedOut
from trading.usecases.administration.second_person import ChangeRequest
from trading.usecases.administration.transfer_assets import Cash

ANNA = Operator(name="anna", who="anna (anna-1)", reason="asked by mail")
BERT = Operator(name="bert", who="bert (bert-1)", reason="checked")
CARLA = Operator(name="carla", who="carla (carla-1)", reason="looks odd")
WHAT = Cash(amount=D("60.00"))
REQUEST = ChangeRequest(
    proposal_id="prp_1",
    change=ProposedChange.WITHDRAWAL,
    client_id="alice",
    subject="alice",
    request='{"amount":"60.00","reference":"out-1"}',
)


def not_made() -> TriedOut:
    """Nothing speaks against the change, and nobody has made it."""
    return TriedOut(was_made=False)


def propose(office: Office, operator: Operator = ANNA) -> Proposal:
    proposal = office.second_person.propose(REQUEST, D("60.00"), operator, not_made)
    assert proposal is not None
    return proposal


def withdraw(office: Office, operator: Operator = BERT) -> Callable[[Approval], object]:
    return lambda approval: office.transfers.withdraw("alice", WHAT, "out-1", operator, approval)


def approve(office: Office, operator: Operator = BERT) -> Proposal:
    return office.second_person.approve("prp_1", operator, withdraw(office, operator))


def available(office: Office) -> str:
    return str(office.registry.account("alice").available)
