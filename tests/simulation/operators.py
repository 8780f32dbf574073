"""Operators of the system, who act by hand."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.catalog.names import MAILBOXES, SIGNING_KEYS
from ops.audit import AuditLog
from ops.dead_letters import DeadLetterQueue, DeadLetters
from ops.target import CONFIG, Target
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.names import STAGE
from tests.simulation.scenario import Action, Scenario
from tests.simulation.sessions import OPERATOR, Sessions
from tests.simulation.violations import ViolationError
from trading.domain import identifiers

DEPLOYMENT_SECONDS = 60
TOKENS_END_SECONDS = 960


class OperatorsTarget(Target):
    """The simulated deployment, as the target of the operator's commands."""

    @property
    def who(self) -> str:
        """The actor that the audit log names."""
        return OPERATOR

    def _client(self, service: str, config: Config = CONFIG) -> Any:
        return boto3.client(service, config=config)  # type: ignore[call-overload]

    def named(self, name: str) -> str:
        """Names follow `Cloud`."""
        return f"{STAGE}-{name}"


class Operators:
    """Carries out what operators do by hand."""

    def __init__(
        self, cloud: Cloud, scenario: Scenario, sessions: Sessions, trail: AuditTrail
    ) -> None:
        self._cloud = cloud
        self._scenario = scenario
        self._sessions = sessions
        self._trail = trail

    def execute(self, action: Action) -> None:
        """Ask for the execution of an order."""
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        self._internally(action, "execution", order_id)

    def look(self, action: Action) -> None:
        """Look at something of a client. An answer has its entry in the audit log."""
        client_id, part = action.fields["client"], action.fields["part"]
        path = f"/api/v1/admin/clients/{client_id}{part}"
        answer = self._sessions.request(OPERATOR, "GET", path, f"look-{action.at}", None)
        if answer.status == 200:
            self._trail.looked(client_id, OPERATOR, path)

    def _internally(self, action: Action, area: str, of: str) -> None:
        self._sessions.request(
            OPERATOR, "POST", f"/api/v1/{area}/{of}", f"{area}-{of}-{action.at}", None
        )

    def clear(self, action: Action) -> None:
        """Clear each trade of an order."""
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        for fill in [
            i for i in self._cloud.dynamodb.items(f"{STAGE}-ledger") if i["kind"]["S"] == "FILL"
        ]:
            if fill["order_id"]["S"] == order_id:
                self._internally(action, "clearing", fill["trade_id"]["S"])

    def clear_early(self, action: Action) -> None:
        """Clear a few trades that are booked and not cleared."""
        entries = self._cloud.dynamodb.items(f"{STAGE}-ledger")
        cleared = {i["trade_id"]["S"] for i in entries if i["kind"]["S"] != "FILL"}
        booked = [i["trade_id"]["S"] for i in entries if i["kind"]["S"] == "FILL"]
        for trade_id in [each for each in booked if each not in cleared][-3:]:
            self._internally(action, "clearing", trade_id)

    def settle_trades(self) -> None:
        """Settle a few trades that have an obligation."""
        due = [
            i
            for i in self._cloud.dynamodb.items(f"{STAGE}-accounts")
            if i["item"]["S"].startswith("OBLIGATION#")
        ]
        for obligation in due[:3]:
            trade_id = obligation["trade_id"]["S"]
            self._sessions.request(
                OPERATOR, "POST", f"/api/v1/settlement/{trade_id}", f"settle-{trade_id}", None
            )

    def close_day(self) -> None:
        """Close the day by hand, at any time."""
        event = {"business_date": self._scenario.day.isoformat()}
        self._cloud.lambdas.invoke("day_close", event, "by hand", lambda _: None)

    def settle_by_hand(self) -> None:
        """Run the day's settlement cycle once more."""
        number = self._sessions.next_number()
        start = {
            "stateMachineArn": self._cloud.cycle_arn,
            "name": f"by-hand-{number}",
            "input": "{}",
        }
        self._cloud.workflows.call("StartExecution", start)

    def redrive(self) -> None:
        """Redrive all mailboxes' DLQs with the operator's own tool. After a failure the rest waits
        for the next redrive.
        """
        target = OperatorsTarget(STAGE, boto3.Session())
        letters = DeadLetters(
            target, AuditLog(target), lambda warning: self._cloud.log(OPERATOR, warning)
        )
        for mailbox in MAILBOXES:
            before = self._written()
            try:
                done = letters.redrive(DeadLetterQueue(mailbox), None, "simulated")
            except (ClientError, BotoCoreError) as error:
                self._cloud.log(OPERATOR, "cannot redrive", mailbox, str(error))
                continue
            if min(now - then for now, then in zip(self._written(), before, strict=True)) < (
                done.handled
            ):
                raise ViolationError("every redrive is in the audit log", mailbox, str(done))
            if done.handled:
                self._cloud.log(OPERATOR, "redrove", mailbox, done)

    def _written(self) -> tuple[int, int]:
        """The entries about redrives so far: before and after them."""
        return self._trail.count("redrive"), self._trail.count("redriven")

    def redrive_later(self, seconds: float) -> None:
        """Redrive again after a while."""
        number = self._sessions.next_number()
        name = f"{OPERATOR} redrives {number}"
        self._cloud.engine.after(seconds, lambda: self._sessions.start(name, self.redrive))

    def rotate(self) -> None:
        """Replace the signing keys in the three deployments of the runbook: both are known, the
        second one signs, the first one is disabled and gone.
        """

        def end() -> None:
            self._cloud.deploy_signing_keys(2)
            for name in SIGNING_KEYS:
                self._cloud.kms.call("DisableKey", {"KeyId": f"{name}-1"})

        self._cloud.deploy_signing_keys(1, 2)
        self._cloud.engine.after(DEPLOYMENT_SECONDS, lambda: self._cloud.deploy_signing_keys(2, 1))
        self._cloud.engine.after(DEPLOYMENT_SECONDS + TOKENS_END_SECONDS, end)
