"""The reference that is rendered from code alone leaves nothing out."""

import inspect
import re

import pytest
import typer
from pydantic import BaseModel

from cli import failures as cli_exit
from cli.__main__ import app as trading_app
from documentation.fragments import FRAGMENTS, fragment
from documentation.places import DOCS, ROOT
from documentation.reference import commands, errors, messages
from infra.catalog.names import MAILBOXES
from infra.catalog.tables import SIMULATOR_TABLES, TABLES
from ops import exit_status as ops_exit
from ops.__main__ import app as ops_app
from trading import messages as message_models
from trading import wire
from trading.adapters.http.problems import ProblemCode
from trading.codes import CODES
from trading.domain.coded import Coded
from trading.domain.errors import ErrorCode
from trading.domain.ledger import EntryKind
from trading.metrics import Metric


def test_every_code_has_its_sentence_in_the_table_of_its_enum() -> None:
    pages: dict[type[Coded], str] = {ErrorCode: "errors", ProblemCode: "errors"}
    for title, enum in CODES.items():
        if enum is Metric:
            continue  # tests/infra checks its page, which needs the templates
        rendered = fragment(pages.get(enum, title.lower().replace(" ", "-")))
        for member in enum:
            assert f"| `{member}` | {member.sentence} |" in rendered


def test_every_problem_code_has_a_status() -> None:
    assert {code for _, code in errors.problem_codes()} == {*ErrorCode, *ProblemCode}


def test_every_table_item_and_index_is_explained() -> None:
    rendered = fragment("tables")
    for name, spec in {**TABLES, **SIMULATOR_TABLES}.items():
        assert spec.holds
        assert spec.holds in rendered
        assert f"## `{name}`" in rendered
        assert spec.lists.keys() == spec.indexes.keys(), name
        for key in spec.items:
            assert f"| `{key}` |" in rendered


def test_every_message_is_in_a_mailbox() -> None:
    carried = {message for mailbox in MAILBOXES for message in messages.of(mailbox)}
    assert carried == {
        each
        for each in vars(message_models).values()
        if inspect.isclass(each)
        and issubclass(each, message_models.Message)
        and each is not message_models.Message
    }
    assert all(message.model_fields["kind"].default in fragment("messages") for message in carried)


def test_every_wire_format_has_its_fields() -> None:
    rendered = fragment("wire-models")
    for name, model in vars(wire).items():
        if (
            inspect.isclass(model)
            and issubclass(model, BaseModel)
            and model.__module__ == "trading.wire"
        ):
            assert f"## {name} " in rendered
            sent = model.model_fields.keys() - {"not_understood"}  # our reader's own
            assert all(f"| `{field}` |" in rendered for field in sent)


def test_every_kind_of_ledger_entry_has_its_fields() -> None:
    assert len(re.findall(r"^\| `kind` \|", fragment("ledger-models"), re.MULTILINE)) == len(
        EntryKind
    )


@pytest.mark.parametrize(
    ("app", "name", "rendered"),
    [(trading_app, "bin/trading", "commands-trading"), (ops_app, "ops", "commands-ops")],
)
def test_every_command_is_listed_with_its_options(app: object, name: str, rendered: str) -> None:
    found = dict(commands.walk(typer.main.get_command(app), name))  # type: ignore[arg-type]
    assert len(found) > 10
    for path, command in found.items():
        section = fragment(rendered).split(f"## `{path}` ")[1].split("\n## ")[0]
        assert command.help, path
        for parameter in command.params:
            for option in parameter.opts if parameter.opts[0].startswith("-") else ():
                assert f"`{option}`" in section


def test_every_exit_status_has_its_sentence() -> None:
    for statuses, rendered in ((cli_exit.Exit, "trading"), (ops_exit.Exit, "ops")):
        for status in statuses:
            row = f"| {int(status)} | `{status.name}` | {status.sentence} |"
            assert row in fragment(f"exit-statuses-{rendered}")


def test_every_make_target_is_listed() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands.targets().keys() == set(" ".join(phony).split())


def test_every_fragment_is_included_by_a_page() -> None:
    included = {
        name
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"^<!-- include: ([a-z0-9-]+) -->$", page.read_text(), re.MULTILINE)
    }
    assert included == FRAGMENTS.keys()
