"""The CDK app. `cdk deploy --all -c stage=dev|prod [-c layers=local]`."""

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.services import ServicesStack
from infra.simulators import SimulatorsStack
from infra.stage import Deployment
from infra.stateful import StatefulStack


def build(app: App) -> tuple[StatefulStack, SimulatorsStack, ServicesStack]:
    """Add the stacks of the deployment that the app's context describes, and the checks on them."""
    deployment = Deployment.of(app)
    stateful = StatefulStack(app, deployment)
    simulators = SimulatorsStack(app, deployment, stateful)
    services = ServicesStack(app, deployment, stateful, simulators)
    Tags.of(app).add("system", "trading")
    Tags.of(app).add("stage", deployment.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stateful, simulators, services


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
