"""A page as CSV: no text is a formula for a spreadsheet."""

import csv
import io

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from tests.fakes.api_events import request
from trading.adapters.http import csv_pages
from trading.domain.values import Frozen


class Row(Frozen):
    name: str
    number: int


def cells(name: str) -> list[list[str]]:
    event = APIGatewayProxyEvent(request("GET", "/rows"))
    answer = csv_pages.page(event, Row, [Row(name=name, number=-1)], None)
    return [*csv.reader(io.StringIO(answer.body, newline=""))]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(begin: str) -> None:
    """OWASP, CSV injection: these characters begin a formula or hide one."""
    assert cells(f"{begin}1") == [["name", "number"], [f"'{begin}1", "-1"]]


def test_other_texts_and_all_numbers_stay_as_they_are() -> None:
    assert cells("a=1") == [["name", "number"], ["a=1", "-1"]]
