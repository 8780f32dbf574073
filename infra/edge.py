"""AWS WAF in front of the APIs that strangers can reach."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.services import ServicesStack
from infra.stage import Deployment

WINDOW_SECONDS = 300
MANAGED_RULES = ("AWSManagedRulesAmazonIpReputationList",)
"""Rule groups that AWS keeps up to date, without a charge of their own."""


@dataclass(frozen=True)
class RateRule:
    """The requests that one address may send in WINDOW_SECONDS, to paths that contain this part."""

    name: str
    requests: int
    path_part: str | None = None


RATE_RULES = (
    RateRule("log-ins", 300, "/api/v1/auth/"),
    RateRule("requests", 60_000),
)
"""Many clients may share an address. A rule allows one address a part of the route's rate, so it
cannot use up the whole.
"""


class EdgeStack(Stack):
    """A web ACL for the REST APIs that strangers can reach.

    The local AWS cannot associate one, so it is a stack of its own that only some deployments have.
    """

    def __init__(self, scope: Construct, deployment: Deployment, services: ServicesStack) -> None:
        super().__init__(
            scope,
            deployment.named("edge"),
            description="Trading: web ACL",
            termination_protection=deployment.is_production,
        )
        acl = wafv2.CfnWebACL(
            self,
            "WebAcl",
            name=deployment.named("apis"),
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=_rules(),
            visibility_config=_visible(deployment.named("apis")),
        )
        for number, api in enumerate(services.apis):
            stage = self.format_arn(
                service="apigateway",
                account="",
                resource="/restapis",
                resource_name=f"{api.rest_api_id}/stages/{deployment.stage}",
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )
            wafv2.CfnWebACLAssociation(
                self, f"Association{number}", resource_arn=stage, web_acl_arn=acl.attr_arn
            )


def _rules() -> Sequence[wafv2.CfnWebACL.RuleProperty]:
    managed = [
        wafv2.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            statement=wafv2.CfnWebACL.StatementProperty(
                managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                    vendor_name="AWS", name=name
                )
            ),
            override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
            visibility_config=_visible(name),
        )
        for priority, name in enumerate(MANAGED_RULES)
    ]
    rates = [
        wafv2.CfnWebACL.RuleProperty(
            name=rule.name,
            priority=priority,
            statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=_rate(rule)),
            action=wafv2.CfnWebACL.RuleActionProperty(block={}),
            visibility_config=_visible(rule.name),
        )
        for priority, rule in enumerate(RATE_RULES, len(managed))
    ]
    return [*managed, *rates]


def _rate(rule: RateRule) -> wafv2.CfnWebACL.RateBasedStatementProperty:
    return wafv2.CfnWebACL.RateBasedStatementProperty(
        aggregate_key_type="IP",
        evaluation_window_sec=WINDOW_SECONDS,
        limit=rule.requests,
        scope_down_statement=_with_part(rule.path_part) if rule.path_part else None,
    )


def _with_part(path: str) -> wafv2.CfnWebACL.StatementProperty:
    """Match a path that contains a part. Paths begin with the stage, so a prefix would not do."""
    return wafv2.CfnWebACL.StatementProperty(
        byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="CONTAINS",
            search_string=path,
            text_transformations=[
                wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="URL_DECODE")
            ],
        )
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
