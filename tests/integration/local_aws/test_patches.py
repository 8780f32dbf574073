"""The patches of MiniStack stay in force together, whichever of them wraps a function last."""

import subprocess
import sys

from workstation.local_system import ROOT

SCRIPT = """
from ministack.services import lambda_svc

seen = []

def original(record, event):
    seen.append(event)
    return {"error": True, "body": {"errorMessage": "Unauthorized"}}

lambda_svc._execute_function_with_config_scope = original
from local import aws, http_apis, websocket_apis

aws.apply_patches()
http_apis._has_format_1.set(True)
http_apis._request_id.set("r1")
said = []
websocket_apis._said.set(said)
event = {
    "requestContext": {
        "http": {
            "method": "POST",
            "sourceIp": "127.0.0.1",
            "userAgent": "",
            "protocol": "HTTP/1.1",
        },
        "accountId": "000000000000",
        "apiId": "a1",
        "domainName": "a1.execute-api",
        "stage": "s",
        "time": "",
        "timeEpoch": 0,
    },
    "rawPath": "/reports",
    "routeKey": "POST /reports",
    "headers": {"a": "b"},
    "rawQueryString": "",
    "pathParameters": None,
    "body": "{}",
    "isBase64Encoded": False,
}
lambda_svc._execute_function_with_config_scope({}, event)
assert seen[0]["version"] == "1.0" and seen[0]["httpMethod"] == "POST", seen
assert "Unauthorized" in said[0], said
"""


def test_two_patches_of_one_function_work_together() -> None:
    """In a process of its own, because the patches last as long as the process."""
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)  # noqa: S603
    assert ran.returncode == 0, ran.stderr
