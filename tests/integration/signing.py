"""Signs the requests of tests that are about something else."""

import contextlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.fakes.signing import signed
from tests.integration.backing import PREFIX
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential

SECRET = "the secret of an operator"
STORED = passwords.stored(SECRET)
NEEDS_SIGNATURE = re.compile(
    r"/api/v1/(admin/clients/[^/]*/(withdrawals|secret-rotation|second-factor-reset|signing"
    r"|keys/[^/]*/public-key)"
    r"|admin/proposals/[^/]*/approval|settlement/[^/]*)"
)


def signed_as_needed(
    dynamodb: Any, now: Callable[[], datetime], event: dict[str, Any]
) -> dict[str, Any]:
    """The event, signed by the operator if its route needs that. One that has the headers of a
    signature stays as it is.

    The operator's key is made at its first use.
    """
    caller = event["requestContext"].get("authorizer")
    if (
        not caller
        or not NEEDS_SIGNATURE.fullmatch(event["path"])
        or "Signature" in event["headers"]
    ):
        return event
    add_key(dynamodb, caller)
    return signed(event, SECRET, now())


def add_key(dynamodb: Any, caller: dict[str, str]) -> None:
    """Make the API key of an operator, if there is none."""
    credential = Credential(
        api_key=caller["api_key"],
        client_id=caller["client_id"],
        secrets=(STORED,),
        permissions=tuple(caller["permissions"].split()),
        audience=INTERNAL_AUDIENCE,
    )
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=f"{PREFIX}credentials",
            Item=to_item(credential.model_dump()),
            ConditionExpression="attribute_not_exists(api_key)",
        )
