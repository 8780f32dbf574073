"""The outside world: exchanges and the depository, behind an API of their own."""

from aws_cdk import ArnFormat, CfnOutput, Duration, Stack
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.catalog.functions import SIMULATORS
from infra.catalog.names import DEPOSITORY, EXCHANGES
from infra.catalog.routes import VENUE_ROUTES
from infra.catalog.tables import SIMULATOR_TABLES
from infra.constructs.naming import pascal
from infra.constructs.python_function import PythonFunction, dependencies_layer, source_layer
from infra.constructs.records import record_table
from infra.constructs.releases import Releases
from infra.constructs.rest_api import RestApi
from infra.constructs.schedules import Schedules
from infra.stage import Deployment
from infra.stateful import StatefulStack

SIMULATION_SEED = "1"


class SimulatorsStack(Stack):
    """The simulated venues. A deployment with real venues does not have this stack."""

    def __init__(self, scope: Construct, deployment: Deployment, stateful: StatefulStack) -> None:
        super().__init__(
            scope,
            deployment.named("simulators"),
            description="Trading: simulated exchanges and depository",
            termination_protection=deployment.is_production,
        )
        tables = {
            name: record_table(self, deployment, name, spec)
            for name, spec in SIMULATOR_TABLES.items()
        }
        layers = [
            dependencies_layer(self, deployment),
            source_layer(self, deployment, "trading"),
            source_layer(self, deployment, "simulators"),
        ]
        venues = RestApi(
            self,
            deployment,
            "venues",
            "Simulated exchanges and depository",
            stateful.alarms,
            VENUE_ROUTES,
        )
        releases = (
            Releases(self, deployment, "simulators", stateful.alarms)
            if deployment.is_production
            else None
        )
        matching = deployment.called("exchange-matching")
        variables = {
            "EXCHANGE_TABLE": tables["exchange-books"].table_name,
            "DEPOSITORY_TABLE": tables["depository-books"].table_name,
            "MATCHING_FUNCTION_NAME": matching,
            "SIMULATION_SEED": SIMULATION_SEED,
            "VENUE_SECRET_PREFIX": deployment.named("venue-"),
        }
        matching_arn = self.format_arn(
            service="lambda",
            resource="function",
            resource_name=matching,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        arns = {
            **{f"tables/{name}": [table.table_arn] for name, table in tables.items()},
            **{
                f"secrets/venue-{venue}": [stateful.secrets[f"venue-{venue}"].secret_arn]
                for venue in (*EXCHANGES, DEPOSITORY)
            },
            "functions/exchange_matching": [matching_arn],
        }
        functions = {
            name: PythonFunction(
                self,
                deployment,
                name,
                spec,
                layers=layers,
                variables=variables,
                arns=arns,
                undelivered=stateful.failed_invocations,
                releases=releases,
                watched=[venues.failed] if name.endswith("_api") else (),
            )
            for name, spec in SIMULATORS.items()
        }
        live = {name: function.live for name, function in functions.items()}
        venues.add_routes(live)
        Schedules(self, deployment, stateful.failed_schedules).invoke(
            "exchange-session",
            scheduler.ScheduleExpression.rate(Duration.minutes(1)),
            live["exchange_matching"],
            payload={"kind": "session"},
            max_age=Duration.minutes(1),
        )
        self.venues_api_id = venues.api.rest_api_id
        CfnOutput(self, "VenuesApiId", value=self.venues_api_id)
        CfnOutput(self, "VenuesApiUrl", value=venues.api.url)
        for name, table in tables.items():
            CfnOutput(self, f"{pascal(name)}Table", value=table.table_name)
