"""The keys that sign access tokens."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.catalog.grants import GRANTS
from infra.catalog.names import SIGNING_KEYS
from infra.constructs.naming import pascal
from infra.stage import Deployment

PENDING_DAYS = 30
"""A key that was removed by mistake can be brought back for so long."""
ADMINISTRATION = (
    "CancelKeyDeletion",
    "DescribeKey",
    "DisableKey",
    "EnableKey",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListResourceTags",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
)


class SigningKeys(Construct):
    """HMAC keys of KMS, one for each audience and number. Nobody can read them.

    The policy of a key lets the account administer it, but not use it. Only the roles that
    `allow_use` names can, each for its own operation. A permission on `kms:*` elsewhere is
    therefore not enough to make a token.
    """

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, "SigningKeys")
        self._keys = {
            name: [self._key(deployment, name, number) for number in deployment.signing_keys]
            for name in SIGNING_KEYS
        }

    @property
    def arns(self) -> dict[str, list[str]]:
        """The ARNs of the keys, by the catalog's name."""
        return {f"keys/{name}": [key.key_arn for key in keys] for name, keys in self._keys.items()}

    def ids(self, function: str) -> dict[str, list[str]]:
        """The ids of the keys that a function may use, by audience. The first one signs."""
        return {
            audience: [key.key_id for key in self._keys[name]]
            for name, audience in SIGNING_KEYS.items()
            if f"keys/{name}" in GRANTS[function]
        }

    def allow_use(self, roles: Mapping[str, iam.IRole]) -> None:
        """Let the roles of functions use the keys as the catalog says."""
        for function, role in roles.items():
            for name, keys in self._keys.items():
                if granted := GRANTS[function].get(f"keys/{name}"):
                    for key in keys:
                        key.add_to_resource_policy(
                            iam.PolicyStatement(
                                principals=[role],
                                actions=[f"kms:{action}" for action in granted.split()],
                                resources=["*"],
                            )
                        )

    def _key(self, deployment: Deployment, name: str, number: int) -> kms.Key:
        administration = iam.PolicyStatement(
            principals=[iam.AccountRootPrincipal()],
            actions=[f"kms:{action}" for action in ADMINISTRATION],
            resources=["*"],
        )
        return kms.Key(
            self,
            f"{pascal(name)}{number}",
            description=f"{deployment.named(name)}: signs access tokens, key {number}",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            policy=iam.PolicyDocument(statements=[administration]),
            # Without the key, its holders log in again. Nothing is lost.
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(PENDING_DAYS),
        )
