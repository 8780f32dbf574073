"""The trading system itself: functions, APIs, workflows, schedules."""

import json
from collections import defaultdict
from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from infra.catalog.functions import IN_OWN_STACKS, SERVICES
from infra.catalog.grants import token_audience
from infra.catalog.names import (
    EXCHANGES,
    MAILBOXES,
    ORDER_LIFECYCLE,
    SECOND_FACTOR_KEY,
    SETTLEMENT_CYCLE,
)
from infra.catalog.routes import CALLBACK_ROUTES, INTERNAL_ROUTES, PUBLIC_ROUTES
from infra.constructs.http_api import HttpApi
from infra.constructs.naming import dashed, pascal
from infra.constructs.permissions import Arns, function_arn
from infra.constructs.python_function import PythonFunction, dependencies_layer, source_layer
from infra.constructs.releases import Releases
from infra.constructs.rest_api import RestApi
from infra.constructs.signing_keys import SigningKeys
from infra.constructs.workflow import Workflow
from infra.service_schedules import add_schedules
from infra.simulators import SimulatorsStack
from infra.stage import Deployment
from infra.stateful import StatefulStack

BATCH_SIZE = 10


class ServicesStack(Stack):
    """Everything that holds no state."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        stateful: StatefulStack,
        simulators: SimulatorsStack | None,
    ) -> None:
        super().__init__(
            scope,
            deployment.named("services"),
            description="Trading: functions, APIs, workflows, schedules",
            termination_protection=deployment.is_production,
        )
        self._deployment = deployment
        self._stateful = stateful
        public = RestApi(
            self,
            deployment,
            "public",
            "Trading API for clients",
            stateful.alarms,
            PUBLIC_ROUTES,
            deployment.origins,
        )
        internal = RestApi(
            self,
            deployment,
            "internal",
            "Trading API for operators",
            stateful.alarms,
            INTERNAL_ROUTES,
            deployment.origins,
            deployment.internal_access,
        )
        callbacks = HttpApi(
            self,
            deployment,
            "callbacks",
            "Trading API for execution reports of exchanges",
            stateful.alarms,
            CALLBACK_ROUTES,
        )
        self.apis = (public.api, *([] if deployment.internal_endpoints else [internal.api]))
        """The REST APIs that strangers can reach."""
        lifecycle = self._order_lifecycle()
        self._signing_keys = SigningKeys(self, deployment)
        variables = {
            **{
                f"{name.upper()}_TABLE": table.table_name for name, table in stateful.tables.items()
            },
            **{
                f"{name.upper()}_QUEUE_URL": box.queue.queue_url
                for name, box in stateful.mailboxes.items()
            },
            **{
                f"{name.upper()}_DLQ_URL": box.dead_letters.queue_url
                for name, box in stateful.mailboxes.items()
            },
            "ORDER_LIFECYCLE_ARN": lifecycle.state_machine.state_machine_arn,
            "ORDER_LIFECYCLE_LOG": lifecycle.log.log_group_name,
            "VENUE_SECRET_PREFIX": deployment.named("venue-"),
            "EXCHANGE_IDS": " ".join(EXCHANGES),
            **({"ALLOWED_ORIGINS": ",".join(deployment.origins)} if deployment.origins else {}),
            **_amounts_alone(deployment),
            "SECOND_FACTOR_KEY": stateful.code_key.key_id,
            "CALLBACKS_API_ID": callbacks.api.api_id,
            **_venues(deployment, simulators),
        }
        releases = (
            Releases(self, deployment, "services", stateful.alarms)
            if deployment.is_production
            else None
        )
        functions = self._functions(
            variables, self._arns(lifecycle), releases, self._watched(public, internal, callbacks)
        )
        self._signing_keys.allow_use({name: each.own_role for name, each in functions.items()})
        live = {name: function.live for name, function in functions.items()}
        public.add_routes(live, live["authorizer"])
        internal.add_routes(live, live["internal_authorizer"])
        callbacks.add_routes(live)
        for name in MAILBOXES:
            live[name].add_event_source(
                event_sources.SqsEventSource(
                    stateful.mailboxes[name].queue,
                    batch_size=BATCH_SIZE,
                    report_batch_item_failures=True,
                    max_concurrency=functions[name].reserved,
                )
            )
        cycle = self._settlement_cycle(live)
        add_schedules(self, deployment, stateful.failed_schedules, live, cycle)

        CfnOutput(self, "PublicApiId", value=public.api.rest_api_id)
        CfnOutput(self, "PublicApiUrl", value=public.api.url)
        CfnOutput(self, "InternalApiId", value=internal.api.rest_api_id)
        CfnOutput(self, "InternalApiUrl", value=internal.api.url)
        CfnOutput(self, "CallbacksApiId", value=callbacks.api.api_id)
        CfnOutput(self, "CallbacksApiUrl", value=callbacks.url)
        CfnOutput(self, "OrderLifecycleArn", value=lifecycle.state_machine.state_machine_arn)
        CfnOutput(self, "SettlementCycleArn", value=cycle.state_machine.state_machine_arn)
        for name, function in functions.items():
            CfnOutput(self, f"{pascal(name)}Function", value=function.function_name)

    def _watched(
        self, public: RestApi, internal: RestApi, callbacks: HttpApi
    ) -> dict[str, list[cloudwatch.IAlarm]]:
        """The alarms that show a bad version of a function although no invocation fails."""
        alarms: defaultdict[str, list[cloudwatch.IAlarm]] = defaultdict(list)
        for api, routes, authorizer in (
            (public, PUBLIC_ROUTES, "authorizer"),
            (internal, INTERNAL_ROUTES, "internal_authorizer"),
        ):
            for name in sorted({authorizer, *(route.function for route in routes)}):
                alarms[name].append(api.failed)
        for route in CALLBACK_ROUTES:
            alarms[route.function].append(callbacks.failed)
        for name, mailbox in self._stateful.mailboxes.items():
            alarms[name].append(mailbox.given_up)
        return alarms

    def _functions(
        self,
        variables: Mapping[str, str],
        arns: Arns,
        releases: Releases | None,
        watched: Mapping[str, list[cloudwatch.IAlarm]],
    ) -> dict[str, PythonFunction]:
        layers = [
            dependencies_layer(self, self._deployment),
            source_layer(self, self._deployment, "trading"),
        ]
        signatures = dependencies_layer(self, self._deployment, "signatures")
        return {
            name: PythonFunction(
                self,
                self._deployment,
                name,
                spec,
                layers=[*layers, signatures] if spec.signatures else layers,
                variables={
                    **variables,
                    "TOKEN_AUDIENCE": token_audience(name),
                    "SIGNING_KEYS": json.dumps(self._signing_keys.ids(name)),
                },
                arns=arns,
                undelivered=self._stateful.failed_invocations,
                releases=releases,
                watched=watched.get(name, ()),
            )
            for name, spec in SERVICES.items()
            if name not in IN_OWN_STACKS
        }

    def _arns(self, lifecycle: Workflow) -> Arns:
        stateful = self._stateful
        return {
            **{f"tables/{name}": [table.table_arn] for name, table in stateful.tables.items()},
            **{f"queues/{name}": [box.queue.queue_arn] for name, box in stateful.mailboxes.items()},
            **{
                f"dlqs/{name}": [box.dead_letters.queue_arn]
                for name, box in stateful.mailboxes.items()
            },
            **self._signing_keys.arns,
            f"keys/{SECOND_FACTOR_KEY}": [stateful.code_key.key_arn],
            **{f"secrets/{name}": [secret.secret_arn] for name, secret in stateful.secrets.items()},
            f"workflows/{ORDER_LIFECYCLE}": [lifecycle.state_machine.state_machine_arn],
            f"logs/{ORDER_LIFECYCLE}": [lifecycle.log.log_group_arn],
            **{
                f"functions/{name}": [function_arn(self, self._deployment.called(dashed(name)))]
                for name in SERVICES
            },
        }

    def _order_lifecycle(self) -> Workflow:
        execution, clearing = (
            self._stateful.mailboxes[name].queue for name in ("execution", "clearing")
        )
        orders = self._stateful.tables["orders"]
        return Workflow(
            self,
            self._deployment,
            ORDER_LIFECYCLE,
            express=True,
            substitutions={
                "ExecutionQueueUrl": execution.queue_url,
                "ClearingQueueUrl": clearing.queue_url,
                "OrdersTable": orders.table_name,
            },
            statements=[
                iam.PolicyStatement(
                    actions=["sqs:SendMessage"], resources=[execution.queue_arn, clearing.queue_arn]
                ),
                iam.PolicyStatement(actions=["dynamodb:GetItem"], resources=[orders.table_arn]),
            ],
            alarms=self._stateful.alarms,
            section="workflows",
        )

    def _settlement_cycle(self, functions: Mapping[str, lambda_.IFunction]) -> Workflow:
        plan, reconcile = functions["settlement_plan"], functions["settlement_reconcile"]
        return Workflow(
            self,
            self._deployment,
            SETTLEMENT_CYCLE,
            substitutions={
                "PlanFunctionArn": plan.function_arn,
                "ReconcileFunctionArn": reconcile.function_arn,
            },
            statements=[
                iam.PolicyStatement(
                    actions=["lambda:InvokeFunction"],
                    resources=[plan.function_arn, reconcile.function_arn],
                )
            ],
            alarms=self._stateful.alarms,
            section="settlement",
        )


def _amounts_alone(deployment: Deployment) -> dict[str, str]:
    """Up to which amounts one operator acts alone, if the deployment says so."""
    chosen = {
        "TRANSFER_APPROVAL_ABOVE": deployment.transfer_approval_above,
        "LIMIT_APPROVAL_ABOVE": deployment.limit_approval_above,
    }
    return {name: str(amount) for name, amount in chosen.items() if amount is not None}


def _venues(deployment: Deployment, simulators: SimulatorsStack | None) -> dict[str, str]:
    """Where the functions reach the outside world."""
    if simulators is None:
        return {"VENUE_URLS": json.dumps(deployment.venue_urls)}
    return {
        "VENUES_API_ID": simulators.venues_api_id,
        "VENUES_API_STAGE": deployment.stage,
        **({"SIMULATORS_ALLOWED": "true"} if deployment.is_production else {}),
    }
