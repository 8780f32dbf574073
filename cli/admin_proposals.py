"""Commands for changes that need a second person."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import view
from cli.api import new_key
from cli.options import AsJson, Key, Reason
from cli.session import Session

PROPOSALS = "/api/v1/admin/proposals"
LISTED = ("proposal_id", "change", "client_id", "proposed_by", "proposed_at", "valid_until")
ProposalId = Annotated[
    str, typer.Argument(metavar="PROPOSAL_ID", help="The proposal.", show_default=False)
]


def list_proposals(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the changes that wait for a second person."""
    session: Session = ctx.obj.begin(as_json)
    answer = session.api.get(PROPOSALS)
    session.show(answer, view.rows("Proposals", LISTED, answer["items"]))


def proposal(ctx: typer.Context, proposal_id: ProposalId, as_json: AsJson = False) -> None:
    """Show a proposal: what is asked for, by whom and why, and what was decided."""
    session: Session = ctx.obj.begin(as_json)
    _show(session, session.api.get(f"{PROPOSALS}/{proposal_id}"))


def approve(
    ctx: typer.Context,
    proposal_id: ProposalId,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Carry out what another operator has proposed. Nobody approves an own proposal."""
    _decide(ctx.obj.begin(as_json), proposal_id, "approval", reason, key)


def reject(
    ctx: typer.Context,
    proposal_id: ProposalId,
    reason: Reason,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """End a proposal, or take an own one back."""
    _decide(ctx.obj.begin(as_json), proposal_id, "rejection", reason, key)


def show_proposed(session: Session, answer: Mapping[str, Any]) -> None:
    """Show a proposal that was just made, and what comes next."""
    session.note("Another operator must approve this proposal before anything is changed.")
    _show(session, answer)


def _decide(
    session: Session, proposal_id: str, decision: str, reason: str, key: str | None
) -> None:
    path, body = f"{PROPOSALS}/{proposal_id}/{decision}", {"reason": reason}
    _show(session, session.api.change("POST", path, session.key(key, new_key()), body))


def _show(session: Session, answer: Mapping[str, Any]) -> None:
    asked = answer["request"]
    left_out = {"proposal_id", "request"}
    if answer["change"] != "withdrawal":  # nothing else uses a code of the client
        left_out.add("with_code")
    session.show(
        answer,
        view.record(f"Proposal {answer['proposal_id']}", answer, left_out),
        view.record("Request", asked),
    )
