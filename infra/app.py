"""The CDK app. `cdk deploy --all -c stage=dev|prod [-c layers=local] [-c venues=…]`.

Further settings: infra/stage.py.
"""

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.backups import BackupsStack, CopiesStack
from infra.edge import EdgeStack
from infra.events import EventsStack
from infra.services import ServicesStack
from infra.simulators import SimulatorsStack
from infra.stage import Deployment
from infra.stateful import StatefulStack
from infra.stream import StreamStack
from infra.watch import WatchStack


def build(app: App) -> None:
    """Add the stacks of the deployment that the app's context describes, and the checks on them."""
    deployment = Deployment.of(app)
    stateful = StatefulStack(app, deployment)
    simulators = SimulatorsStack(app, deployment, stateful) if deployment.is_simulated else None
    events = EventsStack(app, deployment, stateful)
    services = ServicesStack(app, deployment, stateful, simulators)
    # What reads an event is released before what writes it.
    services.add_stack_dependency(events)
    StreamStack(app, deployment, stateful, services)
    WatchStack(app, deployment, stateful)
    if deployment.has_web_acl:
        EdgeStack(app, deployment, services)
    if deployment.copies_region:
        copies = CopiesStack(app, deployment, deployment.copies_region)
        BackupsStack(app, deployment, stateful).add_stack_dependency(copies)
    Tags.of(app).add("system", "trading")
    Tags.of(app).add("stage", deployment.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
