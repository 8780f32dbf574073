"""The key that the secrets of second factors are derived from."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.catalog.names import SECOND_FACTOR_KEY
from infra.constructs.naming import pascal
from infra.constructs.signing_keys import ADMINISTRATION, PENDING_DAYS
from infra.stage import Deployment


def code_key(scope: Construct, deployment: Deployment) -> kms.Key:
    """An HMAC key of KMS. Nobody can read it. The account administers it, and roles of the account
    use it where their own policies say so.

    Without the key, every second factor must be reset and enrolled anew. So production keeps it
    when the stack is deleted.
    """
    administration = iam.PolicyStatement(
        principals=[iam.AccountRootPrincipal()],
        actions=[f"kms:{action}" for action in (*ADMINISTRATION, "GenerateMac")],
        resources=["*"],
    )
    return kms.Key(
        scope,
        pascal(SECOND_FACTOR_KEY),
        description=f"{deployment.named(SECOND_FACTOR_KEY)}: the secrets of second factors",
        key_spec=kms.KeySpec.HMAC_256,
        key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
        policy=iam.PolicyDocument(statements=[administration]),
        removal_policy=deployment.removal_policy,
        pending_window=Duration.days(PENDING_DAYS),
    )
