"""From where the internal API can be called."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from infra.stage import Deployment
from infra.synthesized import Resource, Synthesized
from tests.infra.conftest import EDGE, ENDPOINTS, NETWORKS

REGIONAL = {"Types": ["REGIONAL"]}


def apis(deployed: Synthesized) -> dict[str, Resource]:
    return {
        str(api.properties["Name"]).split("-")[-1]: api
        for api in deployed.of_type("AWS::ApiGateway::RestApi")
    }


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, which are about everybody and all routes."""
    for statement in policy["Statement"]:
        assert statement.pop("Principal") == {"AWS": "*"}
        assert statement.pop("Action") == "execute-api:Invoke"
        assert statement.pop("Resource") == "execute-api:/*"
    return list(policy["Statement"])


def test_production_denies_the_internal_api_to_other_networks(prod: Synthesized) -> None:
    internal = apis(prod)["internal"].properties
    assert internal["EndpointConfiguration"] == REGIONAL
    assert statements(internal["Policy"]) == [
        {"Effect": "Allow"},
        {"Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": list(NETWORKS)}}},
    ]


def test_an_internal_api_with_vpc_endpoints_is_private(real: Synthesized) -> None:
    internal = apis(real)["internal"].properties
    assert internal["EndpointConfiguration"] == {
        "Types": ["PRIVATE"],
        "VpcEndpointIds": list(ENDPOINTS),
    }
    assert statements(internal["Policy"]) == [
        {"Effect": "Allow"},
        {
            "Effect": "Deny",
            "Condition": {"StringNotEquals": {"aws:SourceVpce": list(ENDPOINTS)}},
        },
    ]


def test_the_web_acl_guards_what_strangers_can_reach(prod: Synthesized, real: Synthesized) -> None:
    guarded = [
        sum(each.stack == EDGE for each in deployed.of_type("AWS::WAFv2::WebACLAssociation"))
        for deployed in (prod, real)
    ]
    assert guarded == [2, 1]


def test_the_other_apis_stay_open(dev: Synthesized, prod: Synthesized, real: Synthesized) -> None:
    open_apis = [
        api
        for deployed in (dev, prod, real)
        for name, api in apis(deployed).items()
        if name != "internal" or deployed is dev
    ]
    assert len(open_apis) == 3 + 2 + 1
    for api in open_apis:
        assert "Policy" not in api.properties
        assert api.properties["EndpointConfiguration"] == REGIONAL


def test_stage_dev_can_close_its_internal_api_too(synthesize: Callable[..., Synthesized]) -> None:
    closed = apis(synthesize(internal_access=NETWORKS[1]))["internal"].properties
    assert statements(closed["Policy"])[1]["Effect"] == "Deny"


def test_another_network_is_another_deployment_of_the_api(
    synthesize: Callable[..., Synthesized],
) -> None:
    """API Gateway applies a changed policy only when the API is deployed again."""

    def deployments(access: str) -> set[str]:
        return {
            each.logical_id
            for each in synthesize(internal_access=access).of_type("AWS::ApiGateway::Deployment")
        }

    assert len(deployments(NETWORKS[0]) & deployments(NETWORKS[1])) == 2  # public, venues


def test_production_without_operators_is_not_synthesized() -> None:
    with pytest.raises(ValidationError, match="internal_access=NETWORKS"):
        Deployment(stage="prod", venues="simulated")
    with pytest.raises(ValidationError, match="internal_access=NETWORKS"):
        Deployment.model_validate({"stage": "prod", "venues": "simulated", "internal_access": ","})


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ("0.0.0.0/0", "a network of /8 or smaller"),
        ("128.0.0.0/1", "a network of /8 or smaller"),
        ("10.1.0.0/16", "name its VPC endpoints"),
        ("172.20.0.1", "name its VPC endpoints"),
        ("192.168.1.0/24", "name its VPC endpoints"),
        ("100.64.0.0/10", "name its VPC endpoints"),
        ("203.0.113.5/24", "host bits"),
        ("203.0.113.0/33", "IPv4 network or vpce-ID"),
        ("203.0.113", "IPv4 network or vpce-ID"),
        ("2001:db8::/32", "IPv4 network or vpce-ID"),
        ("vpce-", "IPv4 network or vpce-ID"),
        ("vpce-0A1B2C3D", "IPv4 network or vpce-ID"),
        ("vpc-12345678", "IPv4 network or vpce-ID"),
        ("office.example", "IPv4 network or vpce-ID"),
        (f"{NETWORKS[0]}, {NETWORKS[1]}", "IPv4 network or vpce-ID"),
        (f"{NETWORKS[0]},{ENDPOINTS[0]}", "and not both"),
    ],
)
def test_a_source_that_is_none_is_refused(sources: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Deployment.model_validate({"internal_access": sources})


@pytest.mark.parametrize("sources", ["203.0.113.7", "3.0.0.0/8", ",".join(NETWORKS)])
def test_addresses_and_networks_are_sources(sources: str) -> None:
    assert Deployment.model_validate({"internal_access": sources}).internal_endpoints == ()
