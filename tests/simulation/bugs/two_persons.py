"""Changes that need a second person."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb.proposals import proposal_location
from trading.domain.clients.proposals import Proposal, SecondPersonRule
from trading.usecases.administration.second_person import SecondPerson
from trading.usecases.administration.transfer_assets import TransferAssets

BUGS = (
    Bug(
        "an operator approves an own proposal",
        "An approval does not compare the operator with the one who proposed.",
        "One operator moves any amount alone, in two steps.",
        (
            Edit(
                Proposal.decided,
                "if is_approval and decision.by == self.proposed_by:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a large transfer needs nobody else",
        "The amount of a transfer is not compared with what one operator may move alone.",
        "One operator moves any amount alone.",
        (Edit(SecondPersonRule.transfer_needs, "return value > self.transfers", "return False"),),
    ),
    Bug(
        "shares count at the cost that the operator states",
        "The value of deposited shares is their cost.",
        "An operator who states a low cost moves any number of shares alone.",
        (
            Edit(
                SecondPerson.transfer_needs,
                "max(self._worth(what.symbol, what.quantity), what.cost or Decimal(0))",
                "what.cost or Decimal(0)",
            ),
        ),
    ),
    Bug(
        "an approval is not written with its change",
        "A transfer is booked, and its proposal still waits.",
        "An operator who rejects the proposal believes that nothing was moved.",
        (
            Edit(
                TransferAssets._once,
                "written = (*changes, *([approved] if approved else ()))",
                "written = changes",
            ),
        ),
    ),
    Bug(
        "a decision does not stand",
        "A decided proposal can be decided anew.",
        "A rejected transfer is booked.",
        (Edit(Proposal.decided, "if known := self.decision:", "if False:"),),
    ),
    Bug(
        "a decided proposal is still listed",
        "The index of waiting proposals has the decided ones too.",
        "A hundred decided proposals hide one that waits.",
        (Edit(proposal_location, "if proposal.decision is None:", "if True:"),),
    ),
)
