"""The settings of a deployment, read from the CDK context and validated."""

from pathlib import Path
from typing import Literal

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct
from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Deployment(BaseModel):
    """The context of a deployment: `-c stage=dev|prod -c layers=aws|local`.

    `layers` only selects the directory of the dependencies layer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Literal["dev", "prod"] = "dev"
    layers: Literal["aws", "local"] = "aws"
    layers_dir: Path = ROOT / "build" / "layers"

    @classmethod
    def of(cls, scope: Construct) -> "Deployment":
        """The deployment that the app's context describes. Raises pydantic's ValidationError."""
        context = {name: scope.node.try_get_context(name) for name in cls.model_fields}
        return cls.model_validate(
            {name: value for name, value in context.items() if value is not None}
        )

    @property
    def is_production(self) -> bool:
        """Whether the ledger must outlive the stacks."""
        return self.stage == "prod"

    @property
    def removal_policy(self) -> RemovalPolicy:
        """Whether AWS keeps or deletes the records when the stack is destroyed."""
        return RemovalPolicy.RETAIN if self.is_production else RemovalPolicy.DESTROY

    @property
    def log_retention(self) -> logs.RetentionDays:
        """How long logs are kept."""
        return logs.RetentionDays.ONE_YEAR if self.is_production else logs.RetentionDays.TWO_WEEKS

    @property
    def requests_per_second(self) -> int:
        """The rate at which an API starts to answer 429. Twice as much is allowed in a burst."""
        return 1000 if self.is_production else 200

    def named(self, name: str) -> str:
        """The physical name of one of our resources."""
        return f"trading-{self.stage}-{name}"
