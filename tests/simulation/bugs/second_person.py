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
                "written := (*decided.changes, *written_with(approval))",
                "written := decided.changes",
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
        "a proposal never expires",
        "A decision does not look at how old the proposal is.",
        "A transfer that everybody has forgotten is booked months later.",
        (Edit(Proposal.decided, "if decision.at >= self.valid_until:", "if False:"),),
    ),
    Bug(
        "a repeated approval leaves the audit log as it is",
        "An approval that was written before is answered, and nothing else happens.",
        "The audit log shows a transfer as announced and not made, although it was booked.",
        (Edit(SecondPerson.approve, "if is_written:", "if False:"),),
        pending="A process that dies after the commit of a large transfer. Unit tests have it.",
    ),
    Bug(
        "a decided proposal is still listed",
        "The index of waiting proposals has the decided ones too.",
        "Whoever looks for proposals that wait reads all that were ever decided.",
        (Edit(proposal_location, "if proposal.decision is None:", "if True:"),),
    ),
)
