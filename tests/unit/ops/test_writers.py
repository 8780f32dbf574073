"""Which functions must not run while the tables are replaced."""

from infra.catalog.functions import FUNCTIONS
from infra.catalog.grants import GRANTS
from ops.writers import kept_tables, writing_functions


def test_the_writers_are_all_that_could_write_a_table_that_is_kept() -> None:
    stopped = set(writing_functions())
    assert stopped == {
        "orders",
        "internal",
        "admin",
        "execution",
        "clearing",
        "settlement",
        "settlement_reconcile",
        "sweeper",
    }
    for name in FUNCTIONS.keys() - stopped:
        for table in kept_tables():
            allowed = GRANTS[name].get(f"tables/{table}", "")
            assert not {"PutItem", "UpdateItem", "DeleteItem"} & set(allowed.split()), name


def test_the_reconciliation_runs_while_the_writers_are_stopped() -> None:
    assert "reconciliation" not in writing_functions()
