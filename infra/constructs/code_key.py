"""The key that the secrets of second factors are derived from."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.catalog.grants import GRANTS
from infra.catalog.names import SECOND_FACTOR_KEY
from infra.constructs.naming import pascal
from infra.constructs.signing_keys import ADMINISTRATION, PENDING_DAYS
from infra.stage import Deployment

USERS = tuple(name for name, grants in GRANTS.items() if f"keys/{SECOND_FACTOR_KEY}" in grants)
"""The functions that derive codes."""


def code_key(scope: Construct, deployment: Deployment) -> kms.Key:
    """An HMAC key in KMS. Nobody can read it. The account administers it, but only the roles of the
    functions that check codes can use it. So a permission on `kms:*` elsewhere is not enough.

    Without the key, each client would enrol anew. So production keeps it when the stack is deleted.
    """
    administration = iam.PolicyStatement(
        principals=[iam.AccountRootPrincipal()],
        actions=[f"kms:{action}" for action in ADMINISTRATION],
        resources=["*"],
    )
    use = iam.PolicyStatement(
        principals=[iam.AccountRootPrincipal()],
        actions=["kms:GenerateMac"],
        resources=["*"],
        conditions={"ArnLike": {"aws:PrincipalArn": _users_of(deployment)}},
    )
    return kms.Key(
        scope,
        pascal(SECOND_FACTOR_KEY),
        description=f"{deployment.named(SECOND_FACTOR_KEY)}: the secrets of second factors",
        key_spec=kms.KeySpec.HMAC_256,
        key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
        policy=iam.PolicyDocument(statements=[administration, use]),
        removal_policy=deployment.removal_policy,
        pending_window=Duration.days(PENDING_DAYS),
    )


def _users_of(deployment: Deployment) -> list[str]:
    """The roles that may use the key. Their stack depends on this one, so they have no ARN yet. The
    name of a role begins with its stack and its logical id.
    """
    roles = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{deployment.named('services')}"
    return [f"{roles}-{pascal(name)}Role*" for name in USERS]
