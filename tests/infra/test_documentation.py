"""The reference that is rendered from the templates leaves nothing out."""

from collections.abc import Iterator

import pytest

from documentation import templates
from documentation.fragments import fragment
from documentation.reference import functions
from infra.catalog.functions import FUNCTIONS
from infra.catalog.grants import GRANTS
from infra.synthesized import Resource, Synthesized
from trading.metrics import Metric


@pytest.fixture(scope="module", autouse=True)
def rendered_from_these(dev: Synthesized, prod: Synthesized) -> Iterator[None]:
    """Render from the templates of this session, so that nothing is synthesized twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "kept", {"dev": dev.directory, "prod": prod.directory}.get)
        templates.templates.cache_clear()
        fragment.cache_clear()
        yield
    templates.templates.cache_clear()
    fragment.cache_clear()


def name_of(resource: Resource, key: str) -> str:
    return str(resource.properties[key]).removeprefix("trading-dev-")


def test_every_alarm_has_a_section_with_its_description(dev: Synthesized) -> None:
    rendered = fragment("alarms")
    for alarm in dev.of_type("AWS::CloudWatch::Alarm"):
        assert f"## {alarm.logical_id[:-8]} " in rendered
        assert alarm.properties["AlarmDescription"] in rendered
        assert alarm.properties["MetricName"] in rendered


def test_every_alarm_of_production_is_listed(dev: Synthesized, prod: Synthesized) -> None:
    rows = fragment("alarms-production").splitlines()
    sections = fragment("alarms")
    alarms = prod.of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) > len(dev.of_type("AWS::CloudWatch::Alarm"))
    for alarm in alarms:
        name = alarm.logical_id[:-8]
        in_rows = [row for row in rows if row.startswith(f"| `{name}` |")]
        assert len(in_rows) == (f"\n## {name} " not in f"\n{sections}"), name
        for row in in_rows:
            assert alarm.properties["AlarmDescription"] in row
            assert alarm.properties["MetricName"] in row


def test_every_queue_is_listed(dev: Synthesized) -> None:
    for queue in dev.of_type("AWS::SQS::Queue"):
        assert f"| `{name_of(queue, 'QueueName')}` |" in fragment("queues")


def test_every_secret_is_listed_with_its_readers(dev: Synthesized) -> None:
    for secret in dev.of_type("AWS::SecretsManager::Secret"):
        name = name_of(secret, "Name")
        row = next(row for row in fragment("secrets").splitlines() if f"| `{name}` |" in row)
        readers = {function for function, grants in GRANTS.items() if f"secrets/{name}" in grants}
        assert all(f"`{reader}`" in row for reader in readers)


def test_every_schedule_is_listed_with_its_time(dev: Synthesized) -> None:
    for schedule in dev.of_type("AWS::Scheduler::Schedule"):
        row = f"| `{name_of(schedule, 'Name')}` | `{schedule.properties['ScheduleExpression']}` |"
        assert row in fragment("schedules")


def test_every_metric_is_listed_with_its_alarms(dev: Synthesized) -> None:
    rendered = fragment("metrics")
    assert all(f"| `{metric}`" in rendered and metric.sentence in rendered for metric in Metric)
    for alarm in dev.of_type("AWS::CloudWatch::Alarm"):
        if alarm.properties["Namespace"] == "Trading":
            assert f"[{alarm.logical_id[:-8]}]" in rendered


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_triggers_permissions_and_settings(name: str) -> None:
    section = fragment("functions").split(f"## `{name}` ")[1].split("\n## ")[0]
    assert "Started by" in section
    assert f"Time-out {functions.duration(FUNCTIONS[name].timeout)}, " in section
    for resource, actions in GRANTS[name].items():
        assert f"`{resource.partition('/')[2]}`" in section
        assert all(f"`{action}`" in section for action in actions.split())
    for variable in functions.settings(name):
        assert f"| `{variable}` |" in section
        assert f"| `{variable}` |" in fragment("settings")


def test_diagrams_show_every_function_mailbox_and_table_that_is_used() -> None:
    started, written = fragment("stacks-messages"), fragment("stacks-tables")
    for name, grants in GRANTS.items():
        authorizes = name.endswith("authorizer")
        assert (f'["{name}"]' in started) is not authorizes
        for resource, actions in grants.items():
            kind, _, target = resource.partition("/")
            if kind == "tables" and "PutItem" in actions:
                assert f'[("{target}")]' in written
