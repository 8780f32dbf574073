"""Functions: time and memory.

`grants` has their permissions. The environment of a function is derived from its settings.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FunctionSpec:
    """A function: seconds it may take and MB of memory.

    Nobody waits for the answer of an `asynchronous` function. When its last retry fails, the event
    goes to a queue. `reserved` concurrency is set aside for a function: nobody else takes it, and
    the function takes no more. It applies where the deployment reserves concurrency. A function
    that checks or makes keys of `signatures` has the layer with the packages for it. All others
    start faster without.
    """

    timeout: int
    memory: int = 512
    asynchronous: bool = False
    reserved: int | None = None
    signatures: bool = False


SERVICES = {
    "authorizer": FunctionSpec(timeout=10, reserved=100),
    "internal_authorizer": FunctionSpec(timeout=10, reserved=20),
    "auth": FunctionSpec(
        timeout=10,
        memory=1769,  # one whole vCPU: verifying a secret is scrypt
        reserved=20,  # a flood of log-ins takes no more than this from trading
        signatures=True,
    ),
    "internal_auth": FunctionSpec(timeout=10, memory=1769, reserved=5, signatures=True),
    "orders": FunctionSpec(timeout=10, reserved=200, signatures=True),
    "accounts": FunctionSpec(timeout=10),
    "event_feed": FunctionSpec(
        timeout=28,  # a client may wait 20 seconds for the next event
        reserved=100,  # long polls cannot use up the concurrency of trading
    ),
    "stream": FunctionSpec(timeout=10, memory=256, reserved=50),
    "callbacks": FunctionSpec(timeout=10, reserved=100),
    "internal": FunctionSpec(timeout=25, signatures=True),
    "admin": FunctionSpec(timeout=15, signatures=True),
    "execution": FunctionSpec(timeout=15, reserved=200),
    "clearing": FunctionSpec(timeout=15),
    "settlement": FunctionSpec(timeout=15),
    "settlement_plan": FunctionSpec(timeout=30),
    "settlement_reconcile": FunctionSpec(timeout=300),
    "event_publisher": FunctionSpec(timeout=30, memory=256),
    "event_log": FunctionSpec(timeout=15, memory=256),
    "push": FunctionSpec(
        timeout=60,
        memory=256,
        asynchronous=True,
        reserved=50,  # a crowd of connected clients leaves the rest of the concurrency to trading
    ),
    "sweeper": FunctionSpec(
        timeout=300,
        asynchronous=True,
    ),
    "day_close": FunctionSpec(
        timeout=300,
        memory=1769,  # one whole vCPU: with many orders, reading them takes most of the time
        asynchronous=True,
    ),
    "reconciliation": FunctionSpec(
        timeout=900,
        memory=1769,  # one whole vCPU, which is all that one thread can use
        asynchronous=True,
    ),
}

OF_EVENTS = ("event_publisher", "event_log")
"""Those of `SERVICES` that carry events. They have a stack of their own."""
OF_THE_STREAM = ("stream", "push")
"""Those of `SERVICES` that serve connected clients. They have a stack of their own."""
IN_OWN_STACKS = (*OF_EVENTS, *OF_THE_STREAM)

SIMULATORS = {
    "exchange_api": FunctionSpec(timeout=10),
    "exchange_matching": FunctionSpec(
        timeout=60,
        asynchronous=True,
    ),
    "depository_api": FunctionSpec(timeout=10),
}
FUNCTIONS = {**SERVICES, **SIMULATORS}
