"""The floor of the stream: the hops of an event from a table to a socket, with functions that do
nothing but pass it on.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

from infra.catalog.routes import STREAM_STAGE
from local import deploy
from local.aws_client import aws_client
from workstation.local_system import ACCOUNT, REGION, LocalSystem

NAME = "bench-stream"
CODE = """
import json, os
import boto3

endpoint = os.environ["AWS_ENDPOINT_URL"]
events, functions = boto3.client("events"), boto3.client("lambda")
sockets = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint + os.environ["SOCKETS"])

def publish(event, context):
    entries = [
        {"EventBusName": os.environ["NAME"], "Source": "bench", "DetailType": "bench",
         "Detail": json.dumps({"connection": each["dynamodb"]["NewImage"]["connection"]["S"]})}
        for each in event["Records"]
    ]
    events.put_events(Entries=entries)

def log(event, context):
    for record in event["Records"]:
        functions.invoke(FunctionName=os.environ["NAME"] + "-push", InvocationType="Event",
                         Payload=json.dumps(json.loads(record["body"])["detail"]))

def push(event, context):
    sockets.post_to_connection(ConnectionId=event["connection"], Data=b"{}")
"""
HOPS = ("publish", "log", "push")


@contextmanager
def stream_floor(system: LocalSystem) -> Iterator[str]:
    """The name of a table while the block runs. A write of `{id, connection}` into it makes a
    message to that connection of the stream.
    """
    with ExitStack() as stack:
        functions = {hop: _function(system, stack, hop) for hop in HOPS}
        stream = _table(system, stack)
        queue = _queue(system, stack)
        for hop, source in (("publish", stream), ("log", queue)):
            position = {"StartingPosition": "TRIM_HORIZON"} if hop == "publish" else {}
            made = aws_client(system, "lambda").create_event_source_mapping(
                EventSourceArn=source, FunctionName=functions[hop], BatchSize=10, **position
            )
            stack.callback(
                aws_client(system, "lambda").delete_event_source_mapping, UUID=made["UUID"]
            )
        yield NAME


def _function(system: LocalSystem, stack: ExitStack, hop: str) -> str:
    client = aws_client(system, "lambda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hop.py", CODE)
    api = deploy.outputs(system)["StreamApiId"]
    name = f"{NAME}-{hop}"
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=name)  # what a killed run left behind
    arn: str = client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        Handler=f"hop.{hop}",
        Code={"ZipFile": archive.getvalue()},
        MemorySize=256,
        Environment={
            "Variables": {"NAME": NAME, "SOCKETS": f"/_aws/execute-api/{api}/{STREAM_STAGE}"}
        },
    )["FunctionArn"]
    stack.callback(client.delete_function, FunctionName=name)
    return arn


def _table(system: LocalSystem, stack: ExitStack) -> str:
    client = aws_client(system, "dynamodb")
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_table(TableName=NAME)
    made = client.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    stack.callback(client.delete_table, TableName=NAME)
    return str(made["TableDescription"]["LatestStreamArn"])


def _queue(system: LocalSystem, stack: ExitStack) -> str:
    """The queue behind a rule of a bus."""
    events: Any = aws_client(system, "events")
    sqs = aws_client(system, "sqs")
    with suppress(ClientError):
        events.create_event_bus(Name=NAME)
    stack.callback(events.delete_event_bus, Name=NAME)
    events.put_rule(Name=NAME, EventBusName=NAME, EventPattern=json.dumps({"source": ["bench"]}))
    stack.callback(events.delete_rule, Name=NAME, EventBusName=NAME, Force=True)
    url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    stack.callback(sqs.delete_queue, QueueUrl=url)
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
    events.put_targets(Rule=NAME, EventBusName=NAME, Targets=[{"Id": "log", "Arn": arn}])
    return arn
