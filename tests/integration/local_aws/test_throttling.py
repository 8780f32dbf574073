"""The local API Gateway applies the limit that a template sets for a single route."""

from ministack.services.cloudformation.provisioners import (  # type: ignore[import-untyped]
    _apigw_method_settings as from_template,
)

from local.gateway_responses import throttle_settings

STAGE = {
    "methodSettings": from_template(
        [
            {"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingRateLimit": 200},
            {
                "HttpMethod": "POST",
                "ResourcePath": "/~1api~1v1~1auth~1token",
                "ThrottlingRateLimit": 50,
            },
        ]
    )
}


def test_a_route_has_its_own_limit_or_that_of_the_stage() -> None:
    def rate(path: str, method: str) -> float:
        settings = throttle_settings(STAGE, path, method)
        assert settings is not None
        return float(settings["throttlingRateLimit"])

    assert rate("/api/v1/auth/token", "POST") == 50
    assert rate("/api/v1/auth/token", "GET") == 200
    assert rate("/api/v1/orders", "POST") == 200
