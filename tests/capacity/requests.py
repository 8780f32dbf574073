"""What has to be asked of AWS, set, or changed, so that the open's rate holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, log10

from tests.capacity.arrivals import AT_THE_OPEN, OPEN_SECONDS
from tests.capacity.flow import Bucket, Environments, Pollers
from tests.capacity.limits import SHARDS
from tests.capacity.model import Run
from tests.capacity.quotas import (
    CONCURRENCY,
    LOG_WRITES,
    PARTITION_READS,
    PARTITION_WRITES,
    Raised,
)

MARGIN = 1.25
"""Asked for beyond what the model needs: the measurement and the load vary."""


@dataclass(frozen=True)
class Excess:
    """A bucket that cannot give what the open takes, and what to do. Rates are in `unit`."""

    bucket: str
    unit: str
    has: float
    needs: float
    what_to_do: str


def excesses(run: Run, rate: float = AT_THE_OPEN) -> list[Excess]:
    """The buckets that are too small for the rate if it lasts, the tightest first. `run` has played
    some load: what it needs of each bucket does not depend on the load.
    """
    found = [
        Excess(
            bucket.name,
            _unit(bucket),
            bucket.allowed,
            needed,
            _what_to_do(bucket, _rounded_up(MARGIN * needed), rate),
        )
        for bucket in run.buckets
        if (needed := rate * run.need(bucket)) >= bucket.allowed
    ]
    found += [_slow(each, rate * run.need(each)) for each in _slow_pollers(run, rate)]
    return sorted(found, key=lambda excess: excess.has / excess.needs)


def raised(run: Run, rate: float = AT_THE_OPEN) -> Mapping[str, float]:
    """The rates after all of that, by bucket. Every other bucket stays.

    The concurrency that is not reserved stays as it is, because the account's quota rises with what
    is reserved.
    """
    return {each.bucket: _rounded_up(MARGIN * each.needs) for each in excesses(run, rate)}


def concurrency(run: Run, rate: float = AT_THE_OPEN) -> str:
    """The request for the concurrency of the account that the new reservations need."""
    more = sum(
        _rounded_up(MARGIN * rate * run.need(bucket)) - bucket.allowed
        for bucket in run.buckets
        if isinstance(bucket, Environments) and rate * run.need(bucket) > bucket.allowed
    )
    has = CONCURRENCY.rate
    return _request("Lambda", CONCURRENCY.name, has, _rounded_up(has + more), "executions", rate)


def _slow_pollers(run: Run, rate: float) -> list[Pollers]:
    """Those that are too few until the rush is over."""
    return [
        bucket
        for bucket in run.buckets
        if isinstance(bucket, Pollers)
        and rate * run.need(bucket) > OPEN_SECONDS * bucket.quota.rate
    ]


def _slow(bucket: Pollers, needed: float) -> Excess:
    after = needed / bucket.quota.rate
    return Excess(
        bucket.name,
        "pollers",
        bucket.FEWEST,
        needed,
        f"{needed:,.0f} of them come after {after:,.0f} s. Use the provisioned mode of the event "
        f"source, for {_rounded_up(MARGIN * needed):,.0f} executions at a time.",
    )


def _what_to_do(bucket: Bucket, to: float, rate: float) -> str:
    quota, has, unit = bucket.quota, bucket.allowed, _unit(bucket)
    if isinstance(bucket, Environments):
        function = bucket.name.rsplit(" ", 1)[1]
        return (
            f"Set `reserved` of `{function}` to {to:,.0f} executions in "
            f"`infra/catalog/functions.py`. The account's concurrency must rise as much."
        )
    if quota is PARTITION_WRITES or quota is PARTITION_READS:
        return _spread(bucket, to)
    if quota.raised is Raised.ON_REQUEST:
        asked = _request(quota.service, quota.name, has, to, unit, rate)
        if quota is LOG_WRITES:
            return f"Look at the account's use first. {asked}"
        return asked
    if bucket.name.startswith("DynamoDB"):
        place = bucket.name.rsplit(" ", 1)[1]
        return f"Set the warm throughput of `{place}` to {to:,.0f} {unit}."
    return f"Set it to {to:,.0f} {unit} in `{quota.source}`."


def _request(service: str, name: str, has: float, to: float, unit: str, rate: float) -> str:
    return (
        f"Request: “{service}, us-east-1: please raise *{name}* from {has:,.0f} to {to:,.0f} "
        f"{unit}. At the open of the market, {rate:,.0f} orders arrive a second for a minute.”"
    )


def _spread(bucket: Bucket, to: float) -> str:
    name, key = bucket.name.removeprefix("DynamoDB: ").split(", key ")
    kind, keys = name.split()[0], SHARDS.get(key, 1)
    shards = ceil(to / bucket.quota.rate)
    if kind == "read":
        return (
            f"Change the design: all orders read the key `{key}`. A worker can keep the item for "
            "some seconds, or read it eventually consistent, which takes half."
        )
    return (
        f"Change the design: spread the entries over {shards} partition keys instead of {keys}. "
        "No request raises what one partition takes."
    )


def _unit(bucket: Bucket) -> str:
    return "executions" if isinstance(bucket, Environments) else bucket.quota.unit


def _rounded_up(value: float) -> float:
    """Two significant digits, upwards."""
    step = 10 ** max(0, floor(log10(value)) - 1)
    return float(ceil(value / step) * step)
