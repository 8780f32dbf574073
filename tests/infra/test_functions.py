import importlib
import json
import re
from collections.abc import Callable

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from infra.catalog.functions import FUNCTIONS
from infra.stage import ROOT, Deployment
from infra.synthesized import Resource, Synthesized, text
from trading.bootstrap.settings import LogInSettings, SignedRequestSettings


def name_of(function: Resource) -> str:
    match = re.fullmatch(r"functions\.(\w+)\.handler\.handler", function.properties["Handler"])
    assert match, function
    return match[1]


def test_the_functions_are_those_of_the_catalog(synthesized: Synthesized) -> None:
    deployed = {name_of(function) for function in synthesized.of_type("AWS::Lambda::Function")}
    assert deployed == set(FUNCTIONS)


def test_every_function_is_arm64_on_python_3_13_and_traced(synthesized: Synthesized) -> None:
    for function in synthesized.of_type("AWS::Lambda::Function"):
        assert function.properties["Architectures"] == ["arm64"], function
        assert function.properties["Runtime"] == "python3.13", function
        assert function.properties["TracingConfig"] == {"Mode": "Active"}, function


def test_every_function_logs_to_its_own_group(synthesized: Synthesized, stage: str) -> None:
    for function in synthesized.of_type("AWS::Lambda::Function"):
        group = synthesized.target(function.stack, function.properties["LoggingConfig"]["LogGroup"])
        name = f"trading-{stage}-{name_of(function).replace('_', '-')}"
        assert function.properties["FunctionName"] == name
        assert group.properties["LogGroupName"] == f"/aws/lambda/{name}"


def test_the_platform_logs_only_what_goes_wrong(synthesized: Synthesized) -> None:
    for function in synthesized.of_type("AWS::Lambda::Function"):
        logging = function.properties["LoggingConfig"]
        assert (logging["LogFormat"], logging["SystemLogLevel"]) == ("JSON", "WARN"), function


def test_the_platform_lets_the_lines_with_metrics_pass(synthesized: Synthesized) -> None:
    """It drops each line below its own level, and metrics are in lines of the level INFO."""
    for function in synthesized.of_type("AWS::Lambda::Function"):
        level = function.properties["LoggingConfig"]["ApplicationLogLevel"]
        assert level == function.properties["Environment"]["Variables"]["LOG_LEVEL"] == "INFO"


def test_every_layer_fits_the_architecture_and_runtime_of_the_functions(
    synthesized: Synthesized,
) -> None:
    for layer in synthesized.of_type("AWS::Lambda::LayerVersion"):
        assert layer.properties["CompatibleArchitectures"] == ["arm64"]
        assert layer.properties["CompatibleRuntimes"] == ["python3.13"]


def layers(synthesized: Synthesized, function: Resource) -> set[str]:
    return {
        synthesized.target(function.stack, layer).logical_id.removesuffix(layer["Ref"][-8:])
        for layer in function.properties["Layers"]
    }


def test_only_the_venues_have_the_simulators_layer(synthesized: Synthesized) -> None:
    for function in synthesized.of_type("AWS::Lambda::Function"):
        simulated = name_of(function) in {"exchange_api", "exchange_matching", "depository_api"}
        assert ("SimulatorsLayer" in layers(synthesized, function)) is simulated, function


def test_the_functions_that_check_signatures_have_the_layer_for_it(
    synthesized: Synthesized,
) -> None:
    """The others start faster without: PyJWT imports cryptography where it finds it."""
    for function in synthesized.of_type("AWS::Lambda::Function"):
        module = importlib.import_module(f"functions.{name_of(function)}.settings")
        checks = issubclass(module.Settings, (SignedRequestSettings, LogInSettings))
        assert ("SignaturesLayer" in layers(synthesized, function)) is checks, function


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_environment_of_a_function_satisfies_its_settings(
    name: str, dev: Synthesized, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_type: type[BaseSettings] = importlib.import_module(
        f"functions.{name}.settings"
    ).Settings
    for field in settings_type.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    environment = dev.function(name).properties["Environment"]["Variables"]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, text(value))
    settings_type()


def test_every_asynchronous_invocation_has_a_destination_for_failures(
    synthesized: Synthesized,
) -> None:
    functions = {
        synthesized.called(schedule.stack, schedule.properties["Target"]["Arn"]).key
        for schedule in synthesized.of_type("AWS::Scheduler::Schedule")
        if synthesized.target(schedule.stack, schedule.properties["Target"]["Arn"]).type
        != "AWS::StepFunctions::StateMachine"
    }
    caught = {
        synthesized.target(config.stack, config.properties["FunctionName"]).key
        for config in synthesized.of_type("AWS::Lambda::EventInvokeConfig")
        if config.properties["DestinationConfig"]["OnFailure"]["Destination"]
    }
    assert functions
    assert functions <= caught


def test_a_function_behind_an_api_times_out_before_the_api_does(synthesized: Synthesized) -> None:
    api_gateway_seconds = 29
    permissions = synthesized.of_type("AWS::Lambda::Permission")
    for permission in permissions:
        assert permission.properties["Principal"] == "apigateway.amazonaws.com"
        function = synthesized.called(permission.stack, permission.properties["FunctionName"])
        assert function.properties["Timeout"] < api_gateway_seconds


def test_a_deployment_chooses_what_one_operator_does_alone(
    dev: Synthesized, synthesize: Callable[..., Synthesized]
) -> None:
    names = ("TRANSFER_APPROVAL_ABOVE", "LIMIT_APPROVAL_ABOVE")

    def told(deployed: Synthesized, function: str) -> list[str | None]:
        variables = deployed.function(function).properties["Environment"]["Variables"]
        return [variables.get(name) for name in names]

    chosen = synthesize(transfer_approval_above="0", limit_approval_above="250000.00")
    assert told(chosen, "admin") == ["0", "250000.00"]
    assert told(chosen, "orders") == told(dev, "admin") == [None, None]


@pytest.mark.parametrize("amount", ["-1", "1.001", "much", "1e30"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    for name in ("transfer_approval_above", "limit_approval_above"):
        with pytest.raises(ValidationError, match=name):
            Deployment.model_validate({name: amount})


def test_the_events_environment_has_every_variable_that_the_template_computes(
    synthesized: Synthesized,
) -> None:
    """`sam local invoke` resolves no table names and no queue addresses. events/env.json has those
    of the development stage.
    """
    told = json.loads((ROOT / "events" / "env.json").read_text())["Parameters"].keys()
    for function in synthesized.of_type("AWS::Lambda::Function"):
        variables = function.properties["Environment"]["Variables"]
        assert {name for name, value in variables.items() if not isinstance(value, str)} <= told, (
            function
        )
