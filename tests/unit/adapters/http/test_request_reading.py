"""Each part of a request has one reader. What is unknown, given twice or out of place is
refused.
"""

import base64
import gzip
import json
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import parse_qs

import pytest
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.api_events import Context, header, request
from trading.adapters.http.problems import HttpError
from trading.adapters.http.request_reading import parse_json
from trading.adapters.http.resolver import ApiResolver
from trading.domain.values import Frozen

ORDER = '{"symbol": "ACME", "quantity": 1}'


class Order(Frozen):
    symbol: str
    quantity: int
    tags: dict[str, Any] | None = None


app = ApiResolver()


@app.get("/api/v1/orders", permission=None)
def find(
    symbol: Annotated[str | None, Query()] = None,
    tag: Annotated[list[str] | None, Query()] = None,
    from_: Annotated[str | None, Query(alias="from")] = None,
) -> dict[str, Any]:
    return {"symbol": symbol, "tag": tag, "from": from_}


@app.get("/api/v1/counts", permission=None)
def count(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    most: Annotated[int | None, Query()] = None,
    closed: Annotated[bool, Query()] = False,
    number: Annotated[list[int] | None, Query()] = None,
    text: Annotated[str | None, Query()] = None,
) -> dict[str, Any]:
    return {"limit": limit, "most": most, "closed": closed, "number": number, "text": text}


@app.delete("/api/v1/orders", permission=None)
def cancel() -> dict[str, str]:
    return {"canceled": "all"}


@app.post("/api/v1/orders", permission=None)
def place(order: Annotated[Order, Body()]) -> dict[str, Any]:
    return {"quantity": order.quantity, "key": app.idempotency_key}


def ask(
    method: str,
    query: str = "",
    body: str | None = None,
    encoded: bytes | None = None,
    path: str = "orders",
    **headers: Any,
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Ask the app as API Gateway does. A header that is a list is given that many times."""
    event = request(method, f"/api/v1/{path}", raw_body=body)
    several = parse_qs(query, keep_blank_values=True)
    event["multiValueQueryStringParameters"] = several or None
    event["queryStringParameters"] = {name: values[-1] for name, values in several.items()} or None
    for name, value in headers.items():
        name = name.replace("_", "-")
        values = value if isinstance(value, list) else [value]
        for given_name in [each for each in event["headers"] if each.lower() == name.lower()]:
            del event["headers"][given_name], event["multiValueHeaders"][given_name]
        event["headers"][name] = values[-1]
        event["multiValueHeaders"][name] = values
    if encoded is not None:
        event |= {"body": base64.b64encode(encoded).decode(), "isBase64Encoded": True}
    answer = app.resolve(event, Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"] or "{}"), answer


def fields(problem: dict[str, Any]) -> list[str]:
    return [error["field"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("method", "query", "named"),
    [
        ("GET", "colour=blue", ["colour"]),
        ("GET", "Symbol=KO", ["Symbol"]),
        ("GET", "from_=1", ["from_"]),
        ("GET", "symbol=KO&b=1&a=2", ["a", "b"]),
        ("GET", "a", ["a"]),
        ("GET", "symbol=KO&symbol=V", ["symbol"]),
        ("GET", "symbol=KO&symbol=KO", ["symbol"]),
        ("DELETE", "symbol=KO", ["symbol"]),
        ("DELETE", "=", [""]),
        ("HEAD", "colour=blue", []),
        ("POST", "dry_run=true", ["dry_run"]),
        ("GET", "x" * 300 + "=1", ["x" * 128]),
    ],
)
def test_an_unknown_or_repeated_query_parameter_is_named(
    method: str, query: str, named: list[str]
) -> None:
    body = ORDER if method == "POST" else None
    status, problem, _ = ask(method, query, body)
    assert status == 422
    assert (method == "HEAD") or (problem["code"], fields(problem)) == ("VALIDATION_FAILED", named)


def test_known_parameters_and_lists_pass() -> None:
    status, found, _ = ask("GET", "symbol=KO&tag=a&tag=b&from=now")
    assert (status, found) == (200, {"symbol": "KO", "tag": ["a", "b"], "from": "now"})


def test_numbers_and_truth_values_are_written_plainly() -> None:
    query = "limit=10&most=007&closed=true&number=1&number=2&text=%2B1_0"
    status, found, _ = ask("GET", query, path="counts")
    assert (status, found) == (
        200,
        {"limit": 10, "most": 7, "closed": True, "number": [1, 2], "text": "+1_0"},
    )
    assert ask("GET", "closed=false", path="counts")[1]["closed"] is False


NO_NUMBERS = [
    "1_0",
    "1.0",
    "5%20",
    "%205",
    "%2B5",
    "-5",
    "1e1",
    "0x5",
    "%D9%A5",
    "5%0A",
    "",
    "null",
]
NO_TRUTH_VALUES = ["yes", "1", "0", "TRUE", "True", "on", "t", "no", "true%20", "", "null"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("limit", "most", "number") for value in NO_NUMBERS),
        *(("closed", value) for value in NO_TRUTH_VALUES),
    ],
)
def test_a_number_or_truth_value_in_another_form_is_named(name: str, value: str) -> None:
    status, problem, _ = ask("GET", f"{name}={value}", path="counts")
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert fields(problem) == [name]


def test_every_value_of_a_list_is_checked() -> None:
    assert ask("GET", "number=1&number=%2B2", path="counts")[0] == 422


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
@pytest.mark.parametrize("body", ["{}", " ", "[]", '{"symbol": "KO"}', "not json"])
def test_a_body_where_none_belongs_is_refused(method: str, body: str) -> None:
    status, problem, _ = ask(method, body=body)
    assert status == 422
    assert method == "HEAD" or fields(problem) == ["body"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "APPLICATION/JSON; CHARSET=UTF-8",
        'application/json;charset="utf-8"',
        "application/json; charset=utf8",
        "application/json;",
        'application/json; charset=utf-8; x="; charset=latin1"',
        "  application/json ; version=1",
    ],
)
def test_json_in_utf_8_has_many_spellings(media_type: str) -> None:
    assert ask("POST", body=ORDER, Content_Type=media_type)[0] == 200


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/json; charset=",
        "application/json; charset",
        "application/json; charset=utf-8; charset=latin1",
        "application/json; charset=utf-8; CHARSET=utf-8",
        "application/json; charset=é",
        "application/json; charset=utf-8é",
        "application/json; charset*=utf-8''latin1",
        "application/json; charset*=utf-8''utf-8; charset*0=utf-8",
        "application/json; charset*" + "9" * 5000 + "=utf-8",
        "json",
        "",
    ],
)
def test_another_media_type_or_charset_is_415(media_type: str) -> None:
    status, problem, _ = ask("POST", body=ORDER, Content_Type=media_type)
    assert (status, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("name", ["content-type", "CONTENT-TYPE", "Content-Type"])
def test_the_case_of_a_headers_name_does_not_matter(name: str) -> None:
    assert ask("POST", body=ORDER, **{name: "application/json"})[0] == 200
    assert ask("POST", body=ORDER, **{name: "text/plain"})[0] == 415


@pytest.mark.parametrize(
    "coding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", ["gzip", ""]]
)
def test_a_compressed_body_is_415_and_told_what_is_accepted(coding: Any) -> None:
    status, problem, answer = ask("POST", body=ORDER, Content_Encoding=coding)
    assert (status, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert header(answer, "Accept-Encoding") == "identity"


def test_the_coding_identity_changes_nothing() -> None:
    assert ask("POST", body=ORDER, Content_Encoding="Identity")[0] == 200


@pytest.mark.parametrize("name", ["Content_Type", "Idempotency_Key"])
def test_a_header_of_one_value_given_twice_is_refused(name: str) -> None:
    status, problem, _ = ask("POST", body=ORDER, **{name: ["application/json"] * 2})
    assert (status, problem["code"]) == (400, "HEADER_REPEATED")
    assert fields(problem) == [name.replace("_", "-").lower()]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("\ufeff" + ORDER, "byte order mark"),
        ('{"symbol": "caf\ufffd", "quantity": 1}', "not UTF-8"),
        ("\ud800", "not UTF-8"),
        ("{", "not valid JSON"),
        ('{"symbol": "A", "quantity": NaN}', "not valid JSON"),
        ('{"symbol": "A", "quantity": -Infinity}', "not valid JSON"),
        ('{"symbol": "A", "quantity": 1e400}', "more than 40 digits"),
        ('{"symbol": "A", "quantity": 1e40000000000}', "more than 40 digits"),
        ('{"symbol": "A", "quantity": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"symbol": "A", "quantity": 01}', "not valid JSON"),
        ('{"symbol": "A", "quantity": 1,}', "not valid JSON"),
        (ORDER + ORDER, "not valid JSON"),
        ("[" * 9000, "not valid JSON"),
    ],
)
def test_a_body_that_is_no_json_in_utf_8_says_what_is_wrong(body: str, detail: str) -> None:
    status, problem, _ = ask("POST", body=body)
    assert (status, problem["code"]) == (400, "MALFORMED_JSON")
    assert detail in problem["detail"]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"symbol": "A", "quantity": 1, "quantity": 7}', "quantity"),
        ('{"symbol": "A", "quantity": 1, "quantity": 1}', "quantity"),
        ('{"symbol": "A", "quantity": 1, "qu\\u0061ntity": 7}', "quantity"),
        ('{"symbol": "A", "quantity": 1, "tags": {"a": {"b": 1, "b": 1}}}', "b"),
        ('{"symbol": "A", "quantity": 1, "tags": {"a": [{"c": 1, "c": {}}]}}', "c"),
        ('{"": 1, "": 2}', ""),
    ],
)
def test_a_key_that_is_there_twice_at_any_depth_is_refused(body: str, key: str) -> None:
    status, problem, _ = ask("POST", body=body)
    assert (status, problem["code"], fields(problem)) == (400, "MALFORMED_JSON", [key])


@pytest.mark.parametrize("body", ['{"symbol": "\\ud800", "quantity": 1}', '{"\\udc00": 1}'])
def test_half_a_surrogate_pair_is_refused(body: str) -> None:
    assert ask("POST", body=body)[1]["code"] == "MALFORMED_JSON"


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_json('["\\ud83d\\ude00"]') == ["😀"]


def test_a_body_in_base64_is_read_as_its_bytes() -> None:
    assert ask("POST", encoded=ORDER.encode())[0] == 200
    assert ask("POST", encoded="{}é".encode("latin-1"))[1]["detail"] == "The body is not UTF-8."
    assert ask("POST", encoded=gzip.compress(ORDER.encode()))[1]["code"] == "MALFORMED_JSON"
    assert ask("POST", encoded=b"\xef\xbb\xbf" + ORDER.encode())[1]["code"] == "MALFORMED_JSON"
    assert ask("POST", encoded=b"x" * 20_000)[1]["code"] == "BODY_TOO_LARGE"
    assert ask("GET", encoded=b"{}")[0] == 422


def test_a_body_that_is_called_base64_and_is_not_is_refused() -> None:
    event = request("POST", "/api/v1/orders", raw_body="{}") | {"isBase64Encoded": True}
    answer = app.resolve(event, Context())  # type: ignore[arg-type]
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "MALFORMED_JSON")


def test_head_has_the_headers_of_get_and_no_body() -> None:
    _, _, got = ask("GET", "symbol=KO")
    _, _, head = ask("HEAD", "symbol=KO")
    assert (head["statusCode"], head["body"]) == (200, "")
    length = {"Content-Length": [str(len(got["body"].encode()))]}
    assert head["multiValueHeaders"] == got["multiValueHeaders"] | length
    tag = str(header(got, "ETag"))
    unchanged = ask("HEAD", "symbol=KO", If_None_Match=tag)[2]
    assert (unchanged["statusCode"], header(unchanged, "Content-Length")) == (304, None)
    unchanged = ask("HEAD", "symbol=KO", If_None_Match=['"other"', tag])[2]
    assert unchanged["statusCode"] == 304


def test_head_of_a_refused_request_has_the_status_of_get() -> None:
    status, _, answer = ask("HEAD", "colour=blue")
    assert (status, answer["body"]) == (422, "")
    assert header(answer, "Content-Type") == "application/problem+json"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(JSON)
def test_json_without_repeated_keys_is_read_as_it_is(document: Any) -> None:
    assert parse_json(json.dumps(document)) == document


@given(st.dictionaries(st.text(max_size=3), JSON, min_size=1), st.data())
def test_json_with_a_repeated_key_is_never_read(document: dict[str, Any], data: Any) -> None:
    key = data.draw(st.sampled_from(sorted(document)))
    pairs = [*document.items(), (key, data.draw(JSON))]
    text = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs)
    with pytest.raises(HttpError, match="twice"):
        parse_json(f'{{"outer": [{{{text}}}]}}')


@pytest.mark.parametrize(("text", "number"), [("58.500", "58.5"), ("1e2", "100"), ("-0.0", "0")])
def test_numbers_are_exact(text: str, number: str) -> None:
    assert parse_json(text) == Decimal(number)
