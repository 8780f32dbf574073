"""The floor: an empty function behind the public API and its authorizer, added to the deployed
template.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from local import deploy
from local.aws_client import aws_client
from workstation.local_system import ACCOUNT, REGION, STAGE, LocalSystem

PATH = "/floor"
NAME = "bench-floor"
CODE = "def handler(event, context):\n    return {'statusCode': 201, 'body': '{}'}\n"


@contextmanager
def floor(system: LocalSystem) -> Iterator[None]:
    """While the block runs, POST {PATH} of the public API is the empty function, answering 201."""
    gateway, functions = aws_client(system, "apigateway"), aws_client(system, "lambda")
    api_id = deploy.outputs(system)["PublicApiId"]
    _remove(system)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("floor.py", CODE)
    arn = functions.create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        Handler="floor.handler",
        Code={"ZipFile": archive.getvalue()},
        MemorySize=512,
    )["FunctionArn"]
    authorizer = gateway.get_authorizers(restApiId=api_id)["items"][0]["id"]
    resource = gateway.create_resource(
        restApiId=api_id, parentId=_resources(system)["/"], pathPart=PATH[1:]
    )["id"]
    method = {"restApiId": api_id, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="CUSTOM", authorizerId=authorizer)
    invocation = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(
        **method, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation
    )
    gateway.create_deployment(restApiId=api_id, stageName=STAGE)
    try:
        yield
    finally:
        _remove(system)


def _remove(system: LocalSystem) -> None:
    """This also removes what a killed run left behind."""
    gateway, functions = aws_client(system, "apigateway"), aws_client(system, "lambda")
    api_id = deploy.outputs(system)["PublicApiId"]
    if (resource := _resources(system).get(PATH)) is not None:
        gateway.delete_resource(restApiId=api_id, resourceId=resource)
        gateway.create_deployment(restApiId=api_id, stageName=STAGE)
    with suppress(functions.exceptions.ResourceNotFoundException):
        functions.delete_function(FunctionName=NAME)


def _resources(system: LocalSystem) -> dict[str, str]:
    """Resource ids by path."""
    answer = aws_client(system, "apigateway").get_resources(
        restApiId=deploy.outputs(system)["PublicApiId"], limit=500
    )
    return {item["path"]: item["id"] for item in answer["items"]}
