"""The changes that need a second person above a set amount, and the routes to decide on them."""

import json
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from trading.adapters.faces.admin import (
    AdvanceClosure,
    Change,
    ClosedAdvanceView,
    NewDeposit,
    NewLimits,
    NewWithdrawal,
    ProfileView,
    TransferView,
)
from trading.adapters.faces.proposals import (
    DoneOrProposed,
    PendingProposals,
    ProposalLine,
    ProposalView,
)
from trading.adapters.http.fields import PathId
from trading.adapters.http.idempotency import REPLAYED_HEADER
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.http.signed_requests import Required
from trading.bootstrap.administration import AdministrationApi
from trading.domain import identifiers
from trading.domain.clients.proposals import Proposal, ProposedChange
from trading.usecases.administration.operator_actions import Approval, Operator, TriedOut
from trading.usecases.administration.second_person import ChangeRequest

CLIENT = "/api/v1/admin/clients/<client_id>"
PROPOSALS = "/api/v1/admin/proposals"
TAGS = ["Administration"]
PERMISSION = {
    ProposedChange.DEPOSIT: "transfers:write",
    ProposedChange.WITHDRAWAL: "transfers:write",
    ProposedChange.ADVANCE_CLOSURE: "transfers:write",
    ProposedChange.LIMITS: "limits:write",
}
"""Whoever approves a change must be allowed to make it."""
PROPOSED = (
    "The change needs a second person. Nothing is changed before another operator approves the "
    "proposal."
)

Fields = TypeVar("Fields", bound=Change)
View = TransferView | ClosedAdvanceView | ProfileView


def add_routes(
    app: ApiResolver, api: AdministrationApi, operator_of: Callable[[Change], Operator]
) -> None:
    """Add the routes."""

    def book_deposit(
        client_id: str, asked: NewDeposit, operator: Operator, approval: Approval | None = None
    ) -> tuple[View, bool]:
        entry, was_booked = api.transfers.deposit(
            client_id, asked.what(), asked.reference, operator, approval
        )
        return TransferView.of(entry), was_booked

    def book_withdrawal(
        client_id: str, asked: NewWithdrawal, operator: Operator, approval: Approval | None = None
    ) -> tuple[View, bool]:
        entry, was_booked = api.transfers.withdraw(
            client_id, asked.what(), asked.reference, operator, approval, asked.code
        )
        return TransferView.of(entry), was_booked

    def close(
        trade_id: str, asked: AdvanceClosure, operator: Operator, approval: Approval | None = None
    ) -> tuple[View, bool]:
        entry, was_closed = api.close_advance(trade_id, asked.closure(), operator, approval)
        return ClosedAdvanceView.of(entry), was_closed

    def set_all(
        client_id: str, asked: NewLimits, operator: Operator, approval: Approval | None = None
    ) -> tuple[View, bool]:
        client = api.clients.set_limits(
            client_id, asked.limits(), asked.version, operator, approval
        )
        return ProfileView.of(client), False

    def carry_out(approval: Approval, operator: Operator) -> object:
        proposal = approval.proposal
        change, subject = proposal.change, proposal.subject
        match change:
            case ProposedChange.DEPOSIT:
                return book_deposit(subject, asked_for(NewDeposit, proposal), operator, approval)
            case ProposedChange.WITHDRAWAL:
                withdrawal = asked_for(NewWithdrawal, proposal)
                return book_withdrawal(subject, withdrawal, operator, approval)
            case ProposedChange.ADVANCE_CLOSURE:
                return close(subject, asked_for(AdvanceClosure, proposal), operator, approval)
            case ProposedChange.LIMITS:
                return set_all(subject, asked_for(NewLimits, proposal), operator, approval)

    def answer(
        asked: Change,
        about: tuple[ProposedChange, str],
        judge: Callable[[], tuple[str, Decimal | None]],
        try_out: Callable[[], TriedOut],
        make: Callable[[Operator], tuple[View, bool]],
        status: HTTPStatus,
    ) -> Response[Any]:
        """Make the change, or propose it. `about`: the change and its subject. `judge` finds the
        client, and the value if that needs a second person. `try_out` raises what `make` would
        raise now, and says whether the change was made before. The audit log has every attempt.
        """
        fresh: list[DoneOrProposed] = []
        change, subject = about

        def run() -> DoneOrProposed:
            client_id, value = judge()
            operator = operator_of(asked)
            proposal = None
            if value is not None:
                fields = asked.in_proposal()
                proposal_id = identifiers.proposal_id(
                    app.principal.api_key, app.idempotency_key, app.target, fields
                )
                request = ChangeRequest(proposal_id, change, client_id, subject, fields)
                proposal = api.second_person.propose(request, value, operator, try_out)
            if proposal is not None:
                view, was_done = ProposalView.of(proposal, api.second_person.clock()), False
                result = DoneOrProposed(proposal=view)
            else:
                done, was_done = make(operator)
                result = DoneOrProposed(done=done)
            if not was_done:
                fresh.append(result)
            return result

        outcome = api.idempotency.once(app, app.principal.api_key, DoneOrProposed, run)
        headers = outcome.headers if fresh else {REPLAYED_HEADER: "true"}
        if proposal := outcome.answer.proposal:
            location = {"Location": f"{PROPOSALS}/{proposal.proposal_id}"}
            return json_response(proposal, HTTPStatus.ACCEPTED, location | headers)
        return json_response(outcome.answer.done, status, headers)

    def answer_transfer(
        about: tuple[ProposedChange, str],
        asked: NewDeposit | NewWithdrawal,
        try_out: Callable[[], TriedOut],
        book: Callable[[Operator], tuple[View, bool]],
    ) -> Response[Any]:
        def judge() -> tuple[str, Decimal | None]:
            _, client_id = about
            return client_id, api.second_person.transfer_needs(asked.what())

        return answer(asked, about, judge, try_out, book, HTTPStatus.CREATED)

    @app.post(
        f"{CLIENT}/deposits",
        permission="transfers:write",
        status=HTTPStatus.CREATED,
        summary="Deposit cash or shares",
        tags=TAGS,
        responses=_responses(HTTPStatus.CREATED, TransferView),
    )
    def deposit(
        client_id: PathId, request: Annotated[NewDeposit, Body()]
    ) -> Response[TransferView | ProposalView]:
        """Book a deposit. A client and a reference are booked once, also under another
        Idempotency-Key. A reference that another deposit has used is refused.

        A deposit above a set amount is proposed.
        """
        return answer_transfer(
            (ProposedChange.DEPOSIT, client_id),
            request,
            lambda: api.transfers.try_deposit(client_id, request.what(), request.reference),
            lambda operator: book_deposit(client_id, request, operator),
        )

    @app.post(
        f"{CLIENT}/withdrawals",
        permission="transfers:write",
        signature=Required.ALWAYS,
        status=HTTPStatus.CREATED,
        summary="Withdraw cash or shares",
        tags=TAGS,
        responses=_responses(HTTPStatus.CREATED, TransferView),
    )
    def withdraw(
        client_id: PathId, request: Annotated[NewWithdrawal, Body()]
    ) -> Response[TransferView | ProposalView]:
        """Book a withdrawal of settled, free assets that are not owed. 422 NOT_WITHDRAWABLE says
        what is `lacking`. 422 LOAN_NOT_COVERED says which `loan` the shares secure. A client and a
        reference are booked once.

        A withdrawal above a set amount is proposed. Nothing is held for it meanwhile.

        If the client protects withdrawals, 403 SECOND_FACTOR_REQUIRED asks for a `code` of the
        client's authenticator. It is used for the booking or the proposal. A repetition needs no
        code. A proposal that was made without one cannot be approved while the client wants one.
        """
        app.compare_as(request=request.without_code())  # a repetition may come when it is too old
        return answer_transfer(
            (ProposedChange.WITHDRAWAL, client_id),
            request,
            lambda: api.transfers.try_withdrawal(
                client_id, request.what(), request.reference, request.code
            ),
            lambda operator: book_withdrawal(client_id, request, operator),
        )

    @app.post(
        "/api/v1/admin/advances/<trade_id>/closure",
        permission="transfers:write",
        status=HTTPStatus.CREATED,
        summary="Close an advance",
        tags=TAGS,
        responses=_responses(HTTPStatus.CREATED, ClosedAdvanceView),
    )
    def close_advance(
        trade_id: PathId, request: Annotated[AdvanceClosure, Body()]
    ) -> Response[ClosedAdvanceView | ProposalView]:
        """Close what the error account advanced when an exchange corrected or busted an execution.
        The break CORRECTION_NOT_COVERED names the `trade_id`.

        The client pays back settled, free assets that are not owed. The broker writes off the rest.
        An advance is closed once. The same request again gets the first answer, also under another
        Idempotency-Key. Other amounts or another reference are refused with 409 ADVANCE_CLOSED.

        The close of an advance above a set amount is proposed.
        """

        def judge() -> tuple[str, Decimal | None]:
            reversal = api.close_advance.reversal(trade_id)
            if reversal is None:
                return "", None
            return reversal.client_id, api.second_person.closure_needs(reversal)

        return answer(
            request,
            (ProposedChange.ADVANCE_CLOSURE, trade_id),
            judge,
            lambda: api.close_advance.try_out(trade_id, request.closure()),
            lambda operator: close(trade_id, request, operator),
            HTTPStatus.CREATED,
        )

    @app.put(
        f"{CLIENT}/limits",
        permission="limits:write",
        summary="Set limits",
        tags=TAGS,
        responses=_responses(HTTPStatus.OK, ProfileView),
    )
    def set_limits(
        client_id: PathId, request: Annotated[NewLimits, Body()]
    ) -> Response[ProfileView | ProposalView]:
        """Set all limits at once. The answer is 409 VERSION_CONFLICT if the client has changed
        since its `version` was read.

        Credit that is drawn or held stays. Under a lower credit limit, nothing new is lent until
        enough is repaid. The credit limit applies immediately, the other limits within ten seconds.

        Limits that are raised above a set amount are proposed.
        """

        def judge() -> tuple[str, Decimal | None]:
            needed = api.second_person.limits_need(client_id, request.limits(), request.version)
            return client_id, needed

        return answer(
            request,
            (ProposedChange.LIMITS, client_id),
            judge,
            lambda: api.clients.try_limits(client_id, request.limits(), request.version),
            lambda operator: set_all(client_id, request, operator),
            HTTPStatus.OK,
        )

    @app.get(PROPOSALS, permission="proposals:read", summary="List proposals", tags=TAGS)
    def list_proposals() -> PendingProposals:
        """The changes that wait for a second person."""
        return PendingProposals(items=tuple(map(ProposalLine.of, api.second_person.pending())))

    @app.get(
        f"{PROPOSALS}/<proposal_id>",
        permission="proposals:read",
        summary="Show a proposal",
        tags=TAGS,
    )
    def show_proposal(proposal_id: PathId) -> ProposalView:
        """A change that needs a second person, and what was decided. It is kept for 90 days."""
        proposal = api.second_person.show(proposal_id)
        api.record.look(app, proposal.client_id, "proposal", proposal_id=proposal_id)
        return ProposalView.of(proposal, api.second_person.clock())

    @app.post(
        f"{PROPOSALS}/<proposal_id>/approval",
        permission="proposals:decide",
        signature=Required.ALWAYS,
        summary="Approve a proposal",
        tags=TAGS,
    )
    def approve(proposal_id: PathId, request: Annotated[Change, Body()]) -> Response[ProposalView]:
        """Approve a change and carry it out at once. Whoever approves needs the permission for the
        change. 403 OWN_PROPOSAL: nobody approves an own proposal.

        The answer to a change that is refused now is that of its own route. The proposal then
        stays.
        """

        def effect(operator: Operator) -> Proposal:
            check_permission(proposal_id)
            return api.second_person.approve(
                proposal_id, operator, lambda approval: carry_out(approval, operator)
            )

        return decide(request, effect)

    @app.post(
        f"{PROPOSALS}/<proposal_id>/rejection",
        permission="proposals:decide",
        summary="Reject a proposal",
        tags=TAGS,
    )
    def reject(proposal_id: PathId, request: Annotated[Change, Body()]) -> Response[ProposalView]:
        """Reject a change, or take an own proposal back."""

        def effect(operator: Operator) -> Proposal:
            check_permission(proposal_id)
            return api.second_person.reject(proposal_id, operator)

        return decide(request, effect)

    def check_permission(proposal_id: str) -> None:
        app.check_permission(PERMISSION[api.second_person.show(proposal_id).change])

    def decide(request: Change, effect: Callable[[Operator], Proposal]) -> Response[ProposalView]:
        outcome = api.idempotency.once(
            app,
            app.principal.api_key,
            ProposalView,
            lambda: ProposalView.of(effect(operator_of(request)), api.second_person.clock()),
        )
        return json_response(outcome.answer, headers=outcome.headers)


def _responses(status: HTTPStatus, view: type[View]) -> dict[int, Any]:
    """The documented answers: the change, or the proposal of it."""
    told = ((status, "The change is made.", view), (HTTPStatus.ACCEPTED, PROPOSED, ProposalView))
    return {
        int(code): {"description": text, "content": {"application/json": {"model": model}}}
        for code, text, model in told
    }


def asked_for(model: type[Fields], proposal: Proposal) -> Fields:
    """The request as it came."""
    return model.model_validate({**json.loads(proposal.request), "reason": proposal.reason})
