"""ETag and If-None-Match apply to every GET."""

import json
from typing import Any

import pytest

from tests.fakes.api_events import Context, header, request
from trading.adapters.http.resolver import ApiResolver
from trading.domain.errors import DomainError, ErrorKind


class GoneError(DomainError):
    code = "NOT_FOUND"
    kind = ErrorKind.NOT_FOUND


class Counter:
    """The content that is shown. It changes when a test says so."""

    def __init__(self) -> None:
        self.value = 1
        self.app = ApiResolver()

        @self.app.get("/api/v1/counter", permission=None)
        def show() -> dict[str, int]:
            if self.value < 0:
                raise GoneError("gone")
            return {"value": self.value}

        @self.app.post("/api/v1/counter", permission=None)
        def increase() -> dict[str, int]:
            return {"value": self.value}

    def ask(self, method: str = "GET", **headers: str) -> dict[str, Any]:
        event = request(
            method, "/api/v1/counter", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        return self.app.resolve(event, Context())  # type: ignore[arg-type]


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_every_get_has_an_etag_and_only_its_caller_may_cache_it(counter: Counter) -> None:
    answer = counter.ask()
    tag = header(answer, "ETag")
    assert tag
    assert (tag[0], tag[-1], len(tag)) == ('"', '"', 34)
    assert header(answer, "Cache-Control") == "private, no-cache"
    assert header(counter.ask(), "ETag") == tag


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} ', "*"])
def test_content_that_the_caller_has_is_not_sent_again(counter: Counter, form: str) -> None:
    tag = str(header(counter.ask(), "ETag"))
    answer = counter.ask(If_None_Match=form.format(tag))
    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert header(answer, "ETag") == tag
    assert header(answer, "Cache-Control") == "private, no-cache"
    assert header(answer, "Content-Type") is None


def test_changed_content_is_sent_with_a_new_etag(counter: Counter) -> None:
    tag = str(header(counter.ask(), "ETag"))
    counter.value = 2
    answer = counter.ask(If_None_Match=tag)
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"value": 2})
    assert header(answer, "ETag") != tag


@pytest.mark.parametrize("form", ['"other"', "", "nonsense", '"', "W/"])
def test_a_request_with_another_etag_or_none_gets_the_content(counter: Counter, form: str) -> None:
    assert counter.ask(If_None_Match=form)["statusCode"] == 200


def test_a_problem_and_a_post_have_no_etag_and_are_never_304(counter: Counter) -> None:
    counter.value = -1
    problem = counter.ask(If_None_Match="*")
    assert (problem["statusCode"], header(problem, "Cache-Control")) == (404, "no-store")
    assert header(problem, "ETag") is None
    posted = counter.ask("POST", If_None_Match="*")
    assert (posted["statusCode"], header(posted, "ETag")) == (200, None)
    assert header(posted, "Cache-Control") == "no-store"
