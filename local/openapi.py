"""Generates the documents of the APIs and of the events: `python -m local.openapi [--check]`.

The OpenAPI documents come from the handlers, the event schema and the AsyncAPI document from the
domain.
"""

import importlib
import json
import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge
from aws_lambda_powertools.event_handler.openapi.models import (
    APIKey,
    APIKeyIn,
    HTTPBearer,
    SecurityScheme,
    Server,
)
from openapi_spec_validator import validate

from local.event_schema import ASYNCAPI, SCHEMA, asyncapi, event_schema
from local.schema_changes import breaking_changes
from trading.adapters.http.idempotency import REPLAYED_HEADER
from trading.adapters.http.problems import CONTENT_TYPE, Problem
from trading.adapters.http.resolver import (
    BEARER_SCHEME,
    SIGNATURE_SCHEME,
)
from trading.adapters.http.signed_requests import SIGNATURE_EXTENSION, Required
from trading.adapters.venues.signatures import SIGNED_HEADERS
from trading.domain import patterns
from trading.domain.clients.signed_requests import COVERED, DIGEST
from trading.domain.patterns import whole

ROOT = Path(__file__).resolve().parent.parent
SERVER = Server(
    url="https://{api_id}.execute-api.{region}.amazonaws.com/{stage}",
    variables={
        "api_id": {"default": "api"},
        "region": {"default": "us-east-1"},
        "stage": {"default": "dev"},
    },
)
CALLBACKS_SERVER = Server(
    url="https://{api_id}.execute-api.{region}.amazonaws.com",
    variables={"api_id": {"default": "api"}, "region": {"default": "us-east-1"}},
)
SECURITY_SCHEMES: dict[str, SecurityScheme] = {
    BEARER_SCHEME: HTTPBearer(
        bearerFormat="JWT", description="The token of `POST /api/v1/auth/token`."
    ),
    SIGNATURE_SCHEME: APIKey(
        name="X-Signature",
        in_=APIKeyIn.header,
        description=(
            "Hex HMAC-SHA256 with the venue's secret over `timestamp \\n METHOD \\n path \\n query "
            "\\n headers \\n body`. The query is sorted. The headers are one line `name:value` for "
            f"each of {', '.join(SIGNED_HEADERS)}, with an empty value for one that is not sent. "
            "X-Key-Id names the secret, and X-Timestamp has the Unix seconds (300 s replay window)."
        ),
    ),
}
SIGNATURE = {
    "Signature-Input": (
        "What the signature covers (RFC 9421), with `created`, `keyid` (the API key), `nonce` and, "
        'if you like, `alg="ed25519"` and `expires`. It covers '
        f"{', '.join(f'`{name}`' for name in COVERED)}, and `{DIGEST}` if there is a body. The "
        "path has no stage, and the query is sorted."
    ),
    "Signature": "The signature, by the key that is derived from the API secret (Ed25519).",
    "Content-Digest": "SHA-256 of the body (RFC 9530). Needed if the request has a body.",
}
"""The headers of a signed request."""
PROBLEMS = {
    400: (
        "MALFORMED_JSON, HEADER_REPEATED, IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_INVALID or "
        "INVALID_CURSOR."
    ),
    401: (
        "No valid token, signature or secret. SIGNATURE_REQUIRED and INVALID_SIGNATURE: "
        "`Accept-Signature` has what a signature covers."
    ),
    403: "Not for this principal.",
    404: "There is no such thing, or not for this principal.",
    409: (
        "The first request with this Idempotency-Key is still running, or the data just changed: "
        "try again. ORDER_CLOSED: the order can no longer execute. ORDER_ENDING: it is being "
        "taken back or replaced. ORDER_PENDING: it still waits for the order that it replaces to "
        "end."
    ),
    410: "EVENTS_EXPIRED: the events after `since` are not kept any more.",
    413: "The body is larger than 16 KiB.",
    415: "The body is not application/json in UTF-8, or it is compressed.",
    422: (
        "VALIDATION_FAILED (see `errors`), which also names an unknown or repeated query parameter "
        "and a body where none belongs; IDEMPOTENCY_KEY_REUSED; or refused by a rule (see `code`)."
    ),
    429: "Too many requests or failed attempts. Try again after Retry-After seconds.",
    500: "Something failed on our side.",
    503: (
        "Not possible right now. Try again with the same Idempotency-Key after Retry-After seconds."
    ),
}
ALWAYS = {401, 403, 413, 422, 429, 500, 503}
WITH_BODY = {400, 409, 415}
WITH_PARAMETER = {"path": {404, 422}, "query": {400, 422}, "header": {422}}
POWERTOOLS_OWN = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
PARAMETERS = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": (
            "Names the request. Sent again within 24 hours, the same key with the same body gets "
            "the first answer again, and with another body is refused. Where a repetition is "
            "answered by how things stand, or remembered for a shorter time, the route says so."
        ),
        "schema": {"type": "string", "pattern": whole(patterns.IDEMPOTENCY_KEY)},
    },
    "ReportKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": (
            "`{exchange_id}:{execution_id}` of the report. Only characters that are not printable "
            "ASCII are percent-encoded, in UTF-8."
        ),
        "schema": {"type": "string", "pattern": whole(patterns.REPORT_KEY)},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": (
            "The ETag of an answer that the caller has: while it is unchanged, the answer is 304 "
            "without a body."
        ),
        "schema": {"type": "string"},
    },
    "CorrelationId": {
        "name": "X-Correlation-Id",
        "in": "header",
        "required": False,
        "description": (
            "Follows the request through logs, workflow, messages and venues, if it matches "
            f"`{patterns.CORRELATION_ID}`; else the request id does."
        ),
        "schema": {"type": "string"},
    },
}
ENTITY_TAG = {
    "ETag": {
        "description": "Names this very answer, for `If-None-Match`.",
        "schema": {"type": "string"},
    }
}
REPLAYED = {
    REPLAYED_HEADER: {
        "description": "`true` when this is the first answer again.",
        "schema": {"type": "string"},
    }
}
_NEW_ORDER = {"order_id": "$response.body#/order_id"}
_CLIENT = {"client_id": "$response.body#/client_id"}
LINKS = {
    ("place", "201"): {
        "show": _NEW_ORDER,
        "cancel": _NEW_ORDER,
        "replace": _NEW_ORDER,
        "show_by_client_order_id": {"client_order_id": "$request.header.Idempotency-Key"},
    },
    ("replace", "202"): {"show": _NEW_ORDER, "cancel": _NEW_ORDER, "replace": _NEW_ORDER},
    ("create_client", "201"): dict.fromkeys(
        ("show_client", "set_limits", "deposit", "withdraw", "suspend_client", "activate_client"),
        _CLIENT,
    ),
}
"""Operation and status → the operations that take ids from the answer."""


@dataclass(frozen=True)
class Document:
    """One API and the functions that serve it."""

    path: str
    title: str
    description: str
    functions: tuple[str, ...]
    server: Server


DOCUMENTS = (
    Document(
        "docs/reference/openapi.json",
        "Trading API",
        "Place orders, follow them through execution, clearing and settlement, see cash and "
        "positions. Amounts are "
        "decimal strings (in requests, numbers too), times are ISO 8601 in UTC, errors are RFC "
        "9457 problem details with a stable `code`.",
        ("auth", "orders", "accounts", "event_feed"),
        SERVER,
    ),
    Document(
        "docs/reference/openapi-internal.json",
        "Trading internal API",
        "The stages of an order's life, and administration, for operators and other systems. "
        "Takes tokens of audience `trading-internal`.",
        ("internal_auth", "internal", "admin"),
        SERVER,
    ),
    Document(
        "docs/reference/openapi-callbacks.json",
        "Trading callbacks API",
        "Execution reports of exchanges. Each request is signed with the secret of the exchange.",
        ("callbacks",),
        CALLBACKS_SERVER,
    ),
)


def generate(document: Document) -> dict[str, Any]:
    """The valid OpenAPI document."""
    merge = OpenAPIMerge(
        title=document.title,
        version=tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
        openapi_version="3.1.0",
        description=document.description,
        servers=[document.server],
        on_conflict="error",
    )
    for function in document.functions:
        resolver = _import_handler(function).app.powertools
        schema = resolver.get_openapi_schema(security_schemes=SECURITY_SCHEMES)
        merge.add_schema(schema.model_dump(mode="json", by_alias=True, exclude_none=True))
    merged: dict[str, Any] = merge.get_openapi_schema()
    _complete(merged)
    validate(merged)
    return merged


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _import_handler(function: str) -> Any:
    """Import a handler in an environment that satisfies its settings. Nothing is called."""
    os.environ.setdefault("AWS_REGION", "us-east-1")
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.setdefault("LOG_LEVEL", "INFO")
    os.environ.setdefault("VENUES_API_ID", "unused")
    os.environ.setdefault("VENUES_API_STAGE", "unused")
    os.environ.setdefault("SIGNING_KEYS", "{}")
    settings = importlib.import_module(f"functions.{function}.settings").Settings
    for name, field in settings.model_fields.items():
        if field.is_required():
            os.environ.setdefault(name.upper(), "unused")
    return importlib.import_module(f"functions.{function}.handler")


def _complete(document: dict[str, Any]) -> None:
    """Add to each route what the resolver does for all routes."""
    components = document["components"]
    for name in POWERTOOLS_OWN:
        components["schemas"].pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= problem.pop("$defs") | {"Problem": problem}
    used: set[str] = set()
    for method, operation in _operations(document):
        # Powertools' id is "{function}_{path}_{method}". A generated SDK should show the name of
        # the function only.
        operation["operationId"] = operation["operationId"].partition("_api_v1_")[0]
        statuses = ALWAYS | (PROBLEMS.keys() & map(int, operation["responses"]))
        parameters = operation.setdefault("parameters", [])
        for parameter in parameters:
            statuses |= WITH_PARAMETER[parameter["in"]]
        if method == "get":
            parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
            operation["responses"]["200"].setdefault("headers", {}).update(ENTITY_TAG)
            operation["responses"]["304"] = {
                "description": "Unchanged: it is what `If-None-Match` names."
            }
        else:
            statuses |= WITH_BODY
            is_report = {SIGNATURE_SCHEME: []} in operation.get("security", ())
            key = "ReportKey" if is_report else "IdempotencyKey"
            parameters.append({"$ref": f"#/components/parameters/{key}"})
            if not is_report:
                for answer in operation["responses"].values():
                    answer["headers"] = REPLAYED
        parameters.append({"$ref": "#/components/parameters/CorrelationId"})
        if needed := operation.get(SIGNATURE_EXTENSION):
            parameters += [_signature_header(name, needed, operation) for name in SIGNATURE]
        for status in ("201", "202"):
            if following := LINKS.get((operation["operationId"], status)):
                operation["responses"][status]["links"] = {
                    name: {"operationId": name, "parameters": parameters}
                    for name, parameters in following.items()
                }
        operation["responses"] |= {
            str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in statuses
        }
        operation["responses"] = dict(sorted(operation["responses"].items()))
        used |= {
            scheme for requirement in operation.setdefault("security", []) for scheme in requirement
        }
    text = json.dumps(document["paths"])
    components["parameters"] = {
        name: parameter
        for name, parameter in PARAMETERS.items()
        if f'"#/components/parameters/{name}"' in text
    }
    components["securitySchemes"] = {
        name: components["securitySchemes"][name] for name in sorted(used)
    }
    components["responses"] = {
        _name(status): _response(status, text) for status, text in PROBLEMS.items()
    }


def _signature_header(name: str, needed: str, operation: dict[str, Any]) -> dict[str, Any]:
    always = needed == Required.ALWAYS and (name != "Content-Digest" or "requestBody" in operation)
    when = "" if needed == Required.ALWAYS else " Only if the profile has `signed_orders`."
    return {
        "name": name,
        "in": "header",
        "required": always,
        "description": SIGNATURE[name] + when,
        "schema": {"type": "string"},
    }


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path_item in document["paths"].values():
        yield from path_item.items()


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def _response(status: int, description: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": description,
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (409, 429, 503):
        response["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        }
    return response


def incompatible(schema: dict[str, Any]) -> list[str]:
    """What breaks the consumers of the events that the committed schema describes."""
    committed = ROOT / SCHEMA
    if not committed.exists():
        return []
    return breaking_changes(json.loads(committed.read_text()), schema)


def main(arguments: list[str]) -> int:
    """Write the documents. With --check, return 1 if a committed one differs from the code.

    A schema that breaks the consumers of the committed one is not written either: 1.
    """
    schema = event_schema()
    if broken := incompatible(schema):
        print(f"{SCHEMA}: these changes break consumers:", *broken, sep="\n  ", file=sys.stderr)
        print("Take them back, or raise schema_version in domain/events.py.", file=sys.stderr)
        return 1
    written = {document.path: generate(document) for document in DOCUMENTS}
    written |= {SCHEMA: schema, ASYNCAPI: asyncapi(written[DOCUMENTS[0].path])}
    stale = []
    for name, document in written.items():
        path, text = ROOT / name, _text(document)
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if stale:
        print(f"not what the code says: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
