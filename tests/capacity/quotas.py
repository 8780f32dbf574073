"""Quotas and limits of AWS in us-east-1, and limits that the deployment sets itself.

Every one has a source and the date at which it was read. `doubt` says what the source leaves open.
AWS changes its quotas: the console of Service Quotas shows those of an account.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from infra.catalog.routes import (
    BURST_SECONDS,
    LOG_INS_PER_SECOND,
    REQUESTS_PER_SECOND,
)

READ = date(2026, 11, 30)
DOCS = "https://docs.aws.amazon.com"
STEP_FUNCTIONS = f"{DOCS}/step-functions/latest/dg/service-quotas.html"
LAMBDA = f"{DOCS}/lambda/latest/dg/gettingstarted-limits.html"
LAMBDA_SCALING = f"{DOCS}/lambda/latest/dg/scaling-behavior.html"
EVENT_SOURCES = f"{DOCS}/lambda/latest/dg/services-sqs-scaling.html"
GATEWAY = f"{DOCS}/apigateway/latest/developerguide/limits.html"
BUSES = f"{DOCS}/eventbridge/latest/userguide/eb-quota.html"
QUEUES = f"{DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
TABLES = f"{DOCS}/amazondynamodb/latest/developerguide/ServiceQuotas.html"
ON_DEMAND = f"{DOCS}/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
PARTITIONS = f"{DOCS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html"
KMS = f"{DOCS}/kms/latest/developerguide/requests-per-second.html"
SECRETS = f"{DOCS}/secretsmanager/latest/userguide/reference_limits.html"
LOGS = f"{DOCS}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
METRICS = f"{DOCS}/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"
SCHEDULER = f"{DOCS}/scheduler/latest/UserGuide/scheduler-quotas.html"


class Raised(StrEnum):
    """How a limit is raised."""

    ON_REQUEST = "on request"
    BY_A_SETTING = "by a setting"
    NEVER = "never"


@dataclass(frozen=True)
class Quota:
    """A limit: `rate` a second, or that many at a time. `burst`: the size of the token bucket.

    `source`: a URL of AWS, or a file of this repository.
    """

    service: str
    name: str
    rate: float
    unit: str
    source: str
    raised: Raised
    burst: float | None = None
    read: date = READ
    doubt: str = ""

    @property
    def size(self) -> float:
        """What may be taken at once."""
        return self.rate if self.burst is None else self.burst


_REQUESTS = "requests/s"

EXPRESS_STARTS = Quota(
    "Step Functions",
    "StartExecution, Express",
    6000,
    _REQUESTS,
    STEP_FUNCTIONS,
    Raised.ON_REQUEST,
    burst=6000,
)
CONCURRENCY = Quota(
    "Lambda",
    "concurrent executions",
    1000,
    "executions",
    LAMBDA,
    Raised.ON_REQUEST,
    doubt="New accounts have less.",
)
SCALING = Quota(
    "Lambda",
    "new environments of a function",
    100,
    "environments/s",
    LAMBDA_SCALING,
    Raised.NEVER,
    burst=1000,
)
ENVIRONMENT = Quota(
    "Lambda",
    "synchronous requests of an environment",
    10,
    _REQUESTS,
    LAMBDA,
    Raised.NEVER,
)
POLLERS = Quota(
    "Lambda",
    "new pollers of an SQS event source",
    5,
    "pollers/s",
    EVENT_SOURCES,
    Raised.BY_A_SETTING,
    doubt="The page gives 300 a minute for standard queues. The model takes it for FIFO as well.",
)
EVENT_SOURCE = Quota(
    "Lambda",
    "concurrency of an SQS event source",
    1250,
    "executions",
    EVENT_SOURCES,
    Raised.ON_REQUEST,
)
GATEWAY_ACCOUNT = Quota(
    "API Gateway",
    "requests of the account",
    10_000,
    _REQUESTS,
    GATEWAY,
    Raised.ON_REQUEST,
    burst=5000,
)
ORDERS_ROUTE = Quota(
    "API Gateway",
    "requests of POST /orders",
    REQUESTS_PER_SECOND["prod"],
    _REQUESTS,
    "infra/catalog/routes.py",
    Raised.BY_A_SETTING,
    burst=BURST_SECONDS * REQUESTS_PER_SECOND["prod"],
)
LOG_IN_ROUTE = Quota(
    "API Gateway",
    "requests of the log-in",
    LOG_INS_PER_SECOND,
    _REQUESTS,
    "infra/catalog/routes.py",
    Raised.BY_A_SETTING,
    burst=BURST_SECONDS * LOG_INS_PER_SECOND,
)
CALLBACK_ROUTE = Quota(
    "API Gateway",
    "requests of the callbacks",
    REQUESTS_PER_SECOND["prod"],
    _REQUESTS,
    "infra/catalog/routes.py",
    Raised.BY_A_SETTING,
    burst=BURST_SECONDS * REQUESTS_PER_SECOND["prod"],
)
FIFO_QUEUE = Quota(
    "SQS",
    "requests of an API action, high-throughput FIFO",
    70_000,
    _REQUESTS,
    QUEUES,
    Raised.ON_REQUEST,
)
FIFO_PARTITION = Quota(
    "SQS",
    "requests of an API action in a FIFO partition",
    300,
    _REQUESTS,
    QUEUES,
    Raised.NEVER,
    doubt="3,000 messages/s in batches. AWS adds partitions, but a client has one.",
)
BUS_EVENTS = Quota(
    "EventBridge",
    "PutEvents",
    10_000,
    "events/s",
    BUSES,
    Raised.ON_REQUEST,
    doubt="Not said: whether a request with ten events counts once. The model counts each event.",
)
TABLE_UNITS = Quota(
    "DynamoDB",
    "write or read units of a table or an index",
    40_000,
    "units/s",
    TABLES,
    Raised.ON_REQUEST,
)
NEW_TABLE_WRITES = Quota(
    "DynamoDB",
    "write units of a new on-demand table or index",
    4000,
    "write units/s",
    ON_DEMAND,
    Raised.BY_A_SETTING,
    doubt="It doubles within 30 minutes, or is set in advance as warm throughput.",
)
NEW_TABLE_READS = Quota(
    "DynamoDB",
    "read units of a new on-demand table or index",
    12_000,
    "read units/s",
    ON_DEMAND,
    Raised.BY_A_SETTING,
    doubt="It doubles within 30 minutes, or is set in advance as warm throughput.",
)
PARTITION_WRITES = Quota(
    "DynamoDB",
    "write units of a partition",
    1000,
    "write units/s",
    PARTITIONS,
    Raised.NEVER,
)
PARTITION_READS = Quota(
    "DynamoDB",
    "read units of a partition",
    3000,
    "read units/s",
    PARTITIONS,
    Raised.NEVER,
)
MACS = Quota(
    "KMS",
    "symmetric cryptographic operations",
    100_000,
    _REQUESTS,
    KMS,
    Raised.ON_REQUEST,
)
SECRET_VALUES = Quota(
    "Secrets Manager",
    "GetSecretValue and DescribeSecret",
    10_000,
    _REQUESTS,
    SECRETS,
    Raised.NEVER,
)
LOG_WRITES = Quota(
    "CloudWatch Logs",
    "PutLogEvents",
    5000,
    _REQUESTS,
    LOGS,
    Raised.ON_REQUEST,
    doubt=(
        "Not said: whether Lambda's own delivery counts. The model takes one request an invocation."
    ),
)
METRIC_WRITES = Quota(
    "CloudWatch",
    "PutMetricData",
    500,
    _REQUESTS,
    METRICS,
    Raised.ON_REQUEST,
    doubt="Not verified: the stored copy of the page is cut. The code embeds metrics in its logs.",
)
SCHEDULED = Quota(
    "EventBridge Scheduler",
    "invocations",
    1000,
    "invocations/s",
    SCHEDULER,
    Raised.ON_REQUEST,
)

QUOTAS: tuple[Quota, ...] = tuple(each for each in globals().values() if isinstance(each, Quota))
