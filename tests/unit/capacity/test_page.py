"""The committed page is that of the quotas, the limits and the costs of today."""

import pytest

from tests.benchmarks.grid import Grid
from tests.capacity import arrivals, measured, model, page, report, requests

RUN = model.build(arrivals.LOADS[0], measured.plain_order())
PAGE = page.DOCUMENT.read_text()
GRIDS = (
    report.sources(),
    report.first_full(RUN),
    report.concurrency(RUN),
    report.hot_keys(RUN),
    report.too_small(requests.excesses(RUN)),
)


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: str(grid.title))
def test_the_page_is_up_to_date(grid: Grid) -> None:
    assert grid.markdown() in PAGE, "run `make capacity WRITE=1`"


def test_the_page_has_a_column_for_each_load() -> None:
    header = next(line for line in PAGE.splitlines() if line.startswith("|  |"))
    assert header.split(" | ")[1:] == [*(load.name for load in arrivals.LOADS[:-1]), "the day |"]


def test_no_number_stands_without_a_unit() -> None:
    """A figure has its unit beside it, or its row or title says what is counted."""
    for grid in (report.concurrency(RUN), report.hot_keys(RUN)):
        for row in grid.rows:
            for cell in row[1:]:
                assert not cell.replace(",", "").replace(".", "").isdigit(), row
