"""The settings of a deployment, read from the CDK context and validated."""

import json
import os
import re
from decimal import Decimal
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    TypeAdapter,
    model_validator,
)

from infra.catalog.names import DEPOSITORY, EXCHANGES, LIVE
from infra.catalog.routes import REQUESTS_PER_SECOND
from trading.wire import VENUE_URL

ROOT = Path(__file__).resolve().parent.parent
SIMULATED = "simulated"
COPIES_REGION = "us-west-2"
VENUE_URLS = TypeAdapter(dict[str, str])
ORIGIN = re.compile(
    r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://(localhost|127[.]0[.]0[.]1)(:[0-9]{1,5})?"
)

VPC_ENDPOINT = re.compile(r"vpce-[0-9a-f]{8,17}")
SHORTEST_PREFIX = 8
PRIVATE_NETWORKS = tuple(
    map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"))
)
"""RFC 1918 and RFC 6598. API Gateway sees an address on the internet."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that comes twice: only one of its addresses would count."""
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"named twice: {twice}")
    return dict(pairs)


def _listed(value: object) -> object:
    return tuple(filter(None, value.split(","))) if isinstance(value, str) else value


def _origin(text: str) -> str:
    """Refuse `*`, patterns, paths, and plain http except on this machine."""
    if not ORIGIN.fullmatch(text):
        raise ValueError("an origin is https://host or https://host:port, in lower case")
    return text


def _source(text: str) -> str:
    """Refuse what is neither a VPC endpoint nor a public network of a company's size."""
    if VPC_ENDPOINT.fullmatch(text):
        return text
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"a source is an IPv4 network or vpce-ID: {error}") from error
    if network.prefixlen < SHORTEST_PREFIX:
        raise ValueError(f"a source is a network of /{SHORTEST_PREFIX} or smaller")
    if any(network.overlaps(private) for private in PRIVATE_NETWORKS):
        raise ValueError(
            "a private network does not reach an API on the internet: name its VPC endpoints"
        )
    return text


Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_listed)]
Sources = Annotated[tuple[Annotated[str, AfterValidator(_source)], ...], BeforeValidator(_listed)]


def _distinct(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("a key is listed twice")
    return numbers


KeyNumbers = Annotated[
    tuple[PositiveInt, ...],
    Field(min_length=1, max_length=3),
    AfterValidator(_distinct),
    BeforeValidator(_listed),
]


class Deployment(BaseModel):
    """The context of a deployment: `-c stage=dev|prod -c layers=aws|local -c venues=…`.

    `layers` only selects the directory of the dependencies layer. `venues` is `simulated`, or a
    JSON file with the base URL of each exchange and of the depository. Stage `prod` has no default
    for it. `copies` is the region that production copies its backups and secrets to. Pages of the
    `origins`, separated by commas, may call the APIs from a browser.

    `reserved_concurrency` sets Lambda concurrency aside, and `web_acl` puts AWS WAF in front of the
    APIs. Without a value, prod has both and dev has neither. `vault_lock` says whether an
    administrator can remove the lock of the backups: with `governance` yes, with `compliance` not
    even AWS.

    `internal_access` says from where the internal API can be called: from networks, or through VPC
    endpoints. Stage `prod` has no default for it, and stage `dev` allows everybody.

    `transfer_approval_above` and `limit_approval_above` are the amounts up to which one operator
    alone books transfers and raises limits. Above them, a second one approves.

    `signing_keys` has the numbers of the keys that sign tokens, for each audience: the first signs,
    and tokens of all are valid. docs/how-to/rotate-a-secret.md has the steps of a change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Literal["dev", "prod"] = "dev"
    layers: Literal["aws", "local"] = "aws"
    layers_dir: Path = ROOT / "build" / "layers"
    venues: str | None = None
    copies: str = Field(default=COPIES_REGION, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    reserved_concurrency: bool | None = None
    web_acl: bool | None = None
    vault_lock: Literal["governance", "compliance"] = "governance"
    origins: Origins = ()
    transfer_approval_above: Amount | None = None
    limit_approval_above: Amount | None = None
    internal_access: Sources = ()
    signing_keys: KeyNumbers = (1,)

    @classmethod
    def of(cls, scope: Construct) -> "Deployment":
        """The deployment that the app's context describes. Raises pydantic's ValidationError."""
        context = {name: scope.node.try_get_context(name) for name in cls.model_fields}
        return cls.model_validate(
            {name: value for name, value in context.items() if value is not None}
        )

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.is_production and self.venues is None:
            raise ValueError(
                "stage prod needs -c venues=FILE, the addresses of the real venues "
                "(docs/how-to/add-an-exchange.md), or -c venues=simulated"
            )
        if self.is_production and not self.internal_access:
            raise ValueError(
                "say from where operators call the internal API, with -c internal_access=NETWORKS "
                "or VPC endpoints (docs/how-to/deploy.md)"
            )
        if 0 < len(self.internal_endpoints) < len(self.internal_access):
            raise ValueError(
                "an API is called from networks or through VPC endpoints, and not both: "
                "-c internal_access"
            )
        if self.is_production and self.copies == os.environ.get("CDK_DEFAULT_REGION"):
            raise ValueError(
                f"the backups are copied to {self.copies}, the region of the deployment itself: "
                "choose another one with -c copies=REGION"
            )
        _ = self.venue_urls
        return self

    @property
    def is_production(self) -> bool:
        """Whether the tables must outlive the stacks."""
        return self.stage == "prod"

    @property
    def is_simulated(self) -> bool:
        """Whether the simulators stand in for the venues."""
        return self.venues in (None, SIMULATED)

    @property
    def venue_urls(self) -> dict[str, str]:
        """Base URLs of the real venues by exchange id, and that of the depository.

        Raises ValueError if the file is unreadable, or does not name each venue once with HTTPS.
        """
        if self.is_simulated:
            return {}
        file = ROOT / str(self.venues)
        try:
            document = json.loads(file.read_bytes(), object_pairs_hook=_once)
        except OSError as error:
            raise ValueError(f"-c venues={self.venues}: {error.strerror}") from error
        urls = VENUE_URLS.validate_python(document)
        expected = {*EXCHANGES, DEPOSITORY}
        if wrong := sorted(urls.keys() ^ expected):
            raise ValueError(f"{file} must name {sorted(expected)}; missing or unknown: {wrong}")
        if wrong := sorted(v for v, url in urls.items() if not re.fullmatch(VENUE_URL, url)):
            raise ValueError(f"{file}: not an https:// address: {wrong}")
        return {venue: url.rstrip("/") for venue, url in urls.items()}

    @property
    def internal_endpoints(self) -> tuple[str, ...]:
        """The VPC endpoints that the internal API is called through. Without any it is regional."""
        return tuple(filter(VPC_ENDPOINT.fullmatch, self.internal_access))

    @property
    def copies_region(self) -> str | None:
        """The region of the copies. None if there are none."""
        return self.copies if self.is_production else None

    @property
    def reserves_concurrency(self) -> bool:
        """Whether functions get the concurrency that the catalog sets aside for them.

        An account with a quota below the sum cannot deploy it. New accounts have a quota of 10.
        """
        chosen = self.reserved_concurrency
        return self.is_production if chosen is None else chosen

    @property
    def has_web_acl(self) -> bool:
        """Whether AWS WAF stands in front of the APIs. It costs money each month."""
        return self.is_production if self.web_acl is None else self.web_acl

    @property
    def removal_policy(self) -> RemovalPolicy:
        """Whether AWS keeps or deletes the records when the stack is destroyed."""
        return RemovalPolicy.RETAIN if self.is_production else RemovalPolicy.DESTROY

    @property
    def log_retention(self) -> logs.RetentionDays:
        """How long logs are kept."""
        return logs.RetentionDays.ONE_YEAR if self.is_production else logs.RetentionDays.TWO_WEEKS

    @property
    def requests_per_second(self) -> int:
        """The rate at which an API starts to answer 429. Twice as much is allowed in a burst."""
        return REQUESTS_PER_SECOND[self.stage]

    def named(self, name: str) -> str:
        """The physical name of one of our resources."""
        return f"trading-{self.stage}-{name}"

    def called(self, function: str) -> str:
        """The name that a function is invoked by: in production with its alias."""
        return f"{self.named(function)}:{LIVE}" if self.is_production else self.named(function)
