import pytest

from simulators.adapters.callbacks import check_callback_url
from simulators.problem import Problem

PATH = "/api/v1/exchange/callbacks"


@pytest.mark.parametrize(
    ("url", "plain_http_allowed"),
    [
        (f"https://abc.execute-api.us-east-1.amazonaws.com/v1{PATH}", False),
        (f"http://127.0.0.1:4566/restapis/abc/v1/_user_request_{PATH}", True),
        (f"https://api.example{PATH}", True),
    ],
)
def test_a_callback_address_of_the_contract_is_accepted(url: str, plain_http_allowed: bool) -> None:
    check_callback_url(url, plain_http_allowed)


@pytest.mark.parametrize(
    "url",
    [
        f"http://api.example{PATH}",
        f"ftp://api.example{PATH}",
        f"https://user:secret@api.example{PATH}",
        f"https://{PATH}",
        f"https://api.example{PATH}?to=elsewhere",
        f"https://api.example{PATH}#fragment",
        "https://api.example/other",
        f"https://[broken{PATH}",
        f"https://api.example:port{PATH}",
    ],
)
def test_any_other_callback_address_is_refused_on_aws(url: str) -> None:
    with pytest.raises(Problem) as refused:
        check_callback_url(url, plain_http_allowed=False)
    assert (refused.value.status, refused.value.code) == (422, "BAD_CALLBACK_URL")
