"""Campaigns of many runs.

The runs are played in child processes with fixed string hashing, one run at a time in each. A
campaign can be resumed. Failures are shrunk.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import pickle
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar, cast

import workstation  # noqa: F401  (makes the layers importable)
from tests.simulation import bugs
from tests.simulation.faults import CALM, STORM
from tests.simulation.generation import generate
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Result, play
from tests.simulation.virtual import Wall, virtual_process

ROOT = Path(__file__).resolve().parents[2]
TRADING_DAYS = 5
"""The trading days of a run: two of trading, one to come to rest, and two in which
good-till-canceled orders expire and settle.
"""

Answer = TypeVar("Answer")
_process = ExitStack()
_wall: Wall | None = None


@dataclass
class Report:
    """The summary of a run. `digest` is the digest of its whole event log."""

    seed: int
    orders: int
    rule: str | None
    violation: str
    digest: str
    steps: int
    invocations: int
    statuses: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, seed: int, result: Result, seconds: float) -> Report:
        """Summarize a result, without its events."""
        return cls(
            seed,
            result.scenario.orders,
            result.rule,
            result.violation,
            result.digest,
            result.steps,
            result.invocations,
            result.statuses,
            result.faults,
            seconds,
        )


def pool(jobs: int) -> ProcessPoolExecutor:
    """Processes that play runs.

    The order of sets depends on how strings hash, so hashing is fixed before the processes start.
    """
    os.environ["PYTHONHASHSEED"] = "0"
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_enter)


def _enter(log_level: str = "CRITICAL") -> None:
    global _wall
    _wall, _ = _process.enter_context(virtual_process(log_level))
    in_process(generate(0, 3, CALM))  # libraries build their lazy state once, before the first fork
    gc.collect()
    gc.freeze()


def in_process(scenario: Scenario, *, keep_output: bool = False) -> Result:
    """Play a scenario in this child process."""
    assert _wall is not None, "only in a child of `pool`"
    gc.collect()
    return play(scenario, _wall, keep_output=keep_output)


def run_seed(
    seed: int, orders: int, bug: str | None = None, exhausted: str | None = None
) -> Report:
    """Play a seed, with a deliberate bug if one is named. `exhausted`: see `Scenario`; without it,
    what the bug needs.
    """
    needed = _of_bug(bug) if exhausted is None else exhausted
    return _forked(lambda: _report(_scenario(seed, orders, needed), seed, bug))


def _scenario(seed: int, orders: int, exhausted: str) -> Scenario:
    return replace(generate(seed, orders, STORM), exhausted=exhausted)


def _of_bug(bug: str | None) -> str:
    """What is exhausted in the runs of a bug."""
    return bugs.BUGS[bug].exhausted if bug else ""


def _report(scenario: Scenario, seed: int, bug: str | None) -> Report:
    began = time.perf_counter()
    with bugs.applied(bug):
        assert _wall is not None, "only in a child of `pool`"
        result = play(scenario, _wall)
    return Report.of(seed, result, time.perf_counter() - began)


def _forked(run: Callable[[], Answer]) -> Answer:
    """Run in a fork.

    The fork starts from what is imported already, and nothing needs to be cleaned up after it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            outcome = pickle.dumps(run())
        except BaseException as error:
            outcome = pickle.dumps("".join(traceback.format_exception(error)))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(outcome)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    answer = pickle.loads(told) if told else "the run died without a word"  # noqa: S301
    if isinstance(answer, str):
        raise RuntimeError(answer)
    return cast("Answer", answer)


def shrink(
    seed: int, orders: int, bug: str | None = None, tries: int = 150
) -> tuple[Scenario, Result]:
    """The smallest scenario found that breaks the same rule.

    Kinds of faults are removed first, then actions.
    """
    with bugs.applied(bug):
        scenario = _scenario(seed, orders, _of_bug(bug))
        result = in_process(scenario)
        left = tries

        def still_fails(candidate: Scenario) -> bool:
            nonlocal scenario, result, left
            if left <= 0:
                return False
            left -= 1
            outcome = in_process(candidate)
            if outcome.rule != result.rule:
                return False
            scenario, result = candidate, outcome
            return True

        if result.rule is None:
            return scenario, result
        size = len(scenario.actions)
        while size >= 1:
            start = 0
            while start < len(scenario.actions):
                kept = (*scenario.actions[:start], *scenario.actions[start + size :])
                if not still_fails(scenario.with_actions(kept)):
                    start += size
            size //= 2
        for name in scenario.rates.active():
            still_fails(scenario.with_rates(scenario.rates.without(name)))
        return scenario, in_process(scenario)


def printed(seed: int, orders: int, bug: str | None = None) -> Result:
    """Play a seed and keep what its functions print."""
    with bugs.applied(bug):
        return in_process(_scenario(seed, orders, _of_bug(bug)), keep_output=True)


def readable(events: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """The event log as lines: seconds since the start, the actor, and the event."""
    start: float | None = None
    for at, *told in events:
        start = at if start is None else start
        yield f"{at - start:12.3f}  " + " | ".join(str(each) for each in told)


def fingerprint() -> str:
    """A digest of everything that a run depends on. A campaign is resumed only on the same code."""
    digest = hashlib.sha256()
    for folder in (
        "layers/trading",
        "functions",
        "infra/workflows",
        "infra/catalog",
        "tests/simulation",
    ):
        at = ROOT / folder
        for path in sorted(at.rglob("*") if at.is_dir() else [at]):
            if path.suffix in (".py", ".json"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def campaign(
    seeds: Iterable[int], orders: int, jobs: int, state: Path | None, seen: Callable[[Report], None]
) -> None:
    """Play seeds and report each run.

    Reports of the same code in the state file are passed on without playing the seeds again.
    """
    done = _done(state, orders) if state else {}
    todo = []
    for seed in seeds:
        if seed in done:
            seen(done[seed])
        else:
            todo.append(seed)
    with ExitStack() as stack:
        file = stack.enter_context(state.open("a")) if state else None
        processes = stack.enter_context(pool(jobs))
        futures: list[Future[Report]] = [processes.submit(run_seed, seed, orders) for seed in todo]
        for future in as_completed(futures):
            report = future.result()
            if file:
                file.write(json.dumps(asdict(report)) + "\n")
                file.flush()
            seen(report)


def _done(state: Path, orders: int) -> dict[int, Report]:
    header = json.dumps({"code": fingerprint(), "orders": orders})
    lines = state.read_text().splitlines() if state.exists() else []
    if not lines or lines[0] != header:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text(header + "\n")
        return {}
    complete = [line for line in lines[1:] if line.endswith("}")]
    state.write_text("\n".join([header, *complete, ""]))
    return {report.seed: report for report in (Report(**json.loads(line)) for line in complete)}
