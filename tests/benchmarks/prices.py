"""List prices in USD in us-east-1, without free tiers. Check them against the services' pricing
pages before you rely on them.
"""

from enum import StrEnum

CHECKED = "November 2026"


class Billed(StrEnum):
    """The kinds of usage that an order is billed for."""

    WRITES = "DynamoDB write units"
    READS = "DynamoDB read units"
    TRANSITIONS = "Step Functions transitions"
    RUNS = "Step Functions Express runs"
    RUNNING = "Step Functions Express GB-seconds (estimate)"
    API_REQUESTS = "API Gateway requests"
    HTTP_API_REQUESTS = "API Gateway HTTP API requests"
    QUEUE_REQUESTS = "SQS FIFO requests"
    EVENTS = "EventBridge events"
    SOCKET_MESSAGES = "API Gateway WebSocket messages"
    STANDARD_QUEUE_REQUESTS = "SQS requests"
    INVOCATIONS = "Lambda invocations"
    COMPUTE = "Lambda GB-seconds (estimate)"
    LOGS = "CloudWatch Logs GB (estimate)"
    TRACES = "X-Ray traces (5 % sampled)"
    SECRETS = "Secrets Manager calls"
    MACS = "KMS calls (signing keys)"


MILLION = 1e6
PRICE: dict[Billed, float] = {
    Billed.WRITES: 0.625 / MILLION,
    Billed.READS: 0.125 / MILLION,
    Billed.TRANSITIONS: 25 / MILLION,
    Billed.RUNS: 1 / MILLION,
    Billed.RUNNING: 0.00001667,
    Billed.API_REQUESTS: 3.50 / MILLION,
    Billed.HTTP_API_REQUESTS: 1 / MILLION,
    Billed.QUEUE_REQUESTS: 0.50 / MILLION,
    Billed.EVENTS: 1 / MILLION,
    Billed.SOCKET_MESSAGES: 1 / MILLION,
    Billed.STANDARD_QUEUE_REQUESTS: 0.40 / MILLION,
    Billed.INVOCATIONS: 0.20 / MILLION,
    Billed.COMPUTE: 0.0000133334,
    Billed.LOGS: 0.50,
    Billed.TRACES: 5 / MILLION,
    Billed.SECRETS: 0.05 / 10_000,
    Billed.MACS: 0.03 / 10_000,
}

# Prices for a month.
SECRET = 0.40
ALARM = 0.10
CUSTOM_METRIC = 0.30
CUSTOMER_KEY = 1.00
SCHEDULED_INVOCATION = 1 / MILLION
TABLE_GB = 0.25
RECOVERY_GB = 0.20
HOURS = 730
CONNECTION_MINUTE = 0.25 / MILLION
"""Of a WebSocket API."""
