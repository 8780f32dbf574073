"""A run: the clients, the floor, orders while workers die, the close and the final accounting."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import httpx
from rich.console import Console

from local import books as all_books
from local import day
from local import run as local_run
from tests.benchmarks import floor
from tests.load import accounting, figures, show, standing, tables
from tests.load.figures import Figures
from tests.load.killer import Killer
from tests.load.plan import plan
from tests.load.population import client_ids, populate, prefix
from tests.load.show import Board
from tests.load.standing import Standing
from tests.load.traffic import TRY_SECONDS, Answer, Sent, Tally, Trader
from trading.domain.reconciliation.checks import check
from workstation.local_system import LocalSystem

LOOK_SECONDS = 2.0
LOOKING_SHARE = 10
"""The pause between two looks at the tables is ten times as long as a look takes, so that looking
is not the load.
"""
FLOOR_REQUESTS = 400
PATIENCE_SECONDS = 420
"""The time without any movement after which the run stops waiting. The messages of a dead worker
come again after one or more visibility timeouts.
"""
QUEUES_SECONDS = 300
STALE_EVERY = 10
"""One client in this many begins with a token that is refused."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    `run_id` is part of the clients' ids. `kill_every` holds the bounds of the pause between deaths
    in seconds. `kill_on_for` is the time in seconds that the killer goes on after the last answer.
    `may_die` holds functions, or None for all. `in_flight` counts the requests of all clients
    together. `sample` is the number of orders that are read through the API at the end.
    """

    clients: int
    orders: int
    seed: int
    run_id: str
    in_flight: int = 16
    sample: int = 500
    kill_every: tuple[float, float] = (1.0, 3.0)
    kill_on_for: float = 30.0
    may_die: frozenset[str] | None = None


@dataclass(frozen=True)
class Outcome:
    """The figures, and everything that is not accounted for."""

    figures: Figures
    complaints: list[str]


def run(system: LocalSystem, settings: Settings, console: Console) -> Outcome:
    """Run on a running, deployed and seeded system."""
    may_die = settings.may_die
    killer = Killer(
        system, settings.seed, settings.kill_every, lambda name: may_die is None or name in may_die
    )
    tally = Tally()
    board = Board(settings.orders, tally, killer)
    with show.shown(board, console):
        return asyncio.run(_Run(system, settings, killer, tally, board).play())


class _Run:
    def __init__(
        self, system: LocalSystem, settings: Settings, killer: Killer, tally: Tally, board: Board
    ) -> None:
        self._system = system
        self._settings = settings
        self._killer = killer
        self._tally = tally
        self._board = board
        self._prefix = prefix(settings.run_id)

    async def play(self) -> Outcome:
        settings, board = self._settings, self._board
        before = await asyncio.to_thread(standing.dead_letters, self._system)
        board.say("writing the clients")
        ids = client_ids(settings.run_id, settings.clients)
        secrets = await asyncio.to_thread(populate, self._system, ids)
        slots = asyncio.Semaphore(settings.in_flight)
        limits = httpx.Limits(
            max_connections=settings.in_flight, max_keepalive_connections=settings.in_flight
        )
        url = local_run.api_url(self._system)
        async with httpx.AsyncClient(base_url=url, timeout=TRY_SECONDS, limits=limits) as http:
            self._traders = [
                Trader(http, slots, self._tally, secret, number, settings.seed)
                for number, secret in enumerate(secrets)
            ]
            board.say("logging in")
            await asyncio.gather(*(trader.log_in() for trader in self._traders))
            board.say("measuring the floor")
            floor_answers = await self._floor()
            sent = await self._trade(ids)
            complaints = await self._close()
            board.say("reading the books")
            books = await asyncio.to_thread(tables.read, self._system, self._prefix)
            complaints += accounting.complaints(sent, books)
            board.say("comparing the API with the tables")
            complaints += await self._compare(books)
        board.say("checking the invariants")
        complaints += await asyncio.to_thread(self._invariants)
        letters = await asyncio.to_thread(standing.dead_letters, self._system)
        complaints += accounting.unexplained(letters, before, books.orders)
        board.say("done")
        return Outcome(
            self._figures(floor_answers, sent, books), [*self._tally.complaints, *complaints]
        )

    async def _floor(self) -> list[Answer]:
        """Measure the empty function behind the same API, with the same clients."""
        with floor.floor(self._system):
            for requests in (2 * self._settings.in_flight, FLOOR_REQUESTS):
                answers = await asyncio.gather(
                    *(
                        self._traders[number % len(self._traders)].ask(
                            "POST", floor.PATH, b"{}", f"floor-{number}"
                        )
                        for number in range(requests)
                    )
                )
        return [answer for answer in answers if answer is not None and answer.outcome == "201"]

    async def _trade(self, ids: Sequence[str]) -> list[Sent]:
        """Place all orders. Return when everything that trades before the close has traded."""
        planned = plan(ids, self._settings.orders, self._settings.seed)
        own = {
            client_id: [each for each in planned if each.client_id == client_id]
            for client_id in ids
        }
        for trader in self._traders[1::STALE_EVERY]:
            trader.spoil_token()
        self._board.say("one client hurries, and is told to wait")
        await self._traders[0].hurry()
        self._board.placing()
        with self._killer.at_large():
            placing = asyncio.ensure_future(
                asyncio.gather(*(trader.place(own[trader.client_id]) for trader in self._traders))
            )
            await self._until(lambda _: placing.done(), patience=math.inf)
            self._board.say("trading")
            killed_enough = time.monotonic() + self._settings.kill_on_for
            await self._until(lambda now: not now.under_way or time.monotonic() > killed_enough)
        self._board.say("trading in peace")
        await self._until(lambda now: not now.under_way)
        return [sent for each in await placing for sent in each]

    async def _close(self) -> list[str]:
        """Close the day, and wait until nothing moves.
        Returns what does not come to rest in time.
        """
        self._board.say("closing the day")
        event = {"business_date": day.business_date().isoformat()}
        await asyncio.to_thread(day.invoke, self._system, "day-close", event)
        await self._until(lambda now: not now.under_way and not now.resting)
        self._board.say("emptying the queues")
        deadline = time.monotonic() + QUEUES_SECONDS
        while waiting := await asyncio.to_thread(self._waiting):
            if time.monotonic() > deadline:
                return [f"{count} messages are left in {queue}" for queue, count in waiting.items()]
            await asyncio.sleep(LOOK_SECONDS)
        return []

    def _waiting(self) -> dict[str, int]:
        found = standing.messages(self._system)
        return {queue: count for queue, count in found.items() if standing.DLQ not in queue}

    async def _until(
        self, done: Callable[[Standing], bool], patience: float = PATIENCE_SECONDS
    ) -> None:
        """Look until the condition holds, or until nothing has moved for the patience time. The
        accounting then says what is wrong.
        """
        moved = time.monotonic()
        while True:
            began = time.monotonic()
            found = await asyncio.to_thread(standing.look, self._system, self._prefix)
            ended = time.monotonic()
            moved = ended if found != self._board.standing else moved
            self._board.standing = found
            if done(found) or ended - moved > patience:
                return
            await asyncio.sleep(max(LOOK_SECONDS, LOOKING_SHARE * (ended - began)))

    async def _compare(self, books: tables.Books) -> list[str]:
        """Compare orders as their owners see them with the tables."""
        traders = {trader.client_id: trader for trader in self._traders}
        fills = accounting.fills_by_order(books)
        known = sorted(books.orders)
        chosen = Random(f"sample {self._settings.seed}").sample(  # noqa: S311
            known, min(self._settings.sample, len(known))
        )
        shown = await asyncio.gather(
            *(traders[books.orders[each].client_id].show(each) for each in chosen)
        )
        return [
            wrong
            for order_id, answer in zip(chosen, shown, strict=True)
            for wrong in accounting.shown_as_kept(books.orders[order_id], fills[order_id], answer)
        ]

    def _invariants(self) -> list[str]:
        """Check the invariants of all books, not only of this run's part."""
        found = check(all_books.snapshot(self._system, day_is_over=False))
        return [f"invariant {each.invariant}, {each.subject}: {each.message}" for each in found]

    def _figures(
        self, floor_answers: Sequence[Answer], sent: Sequence[Sent], books: tables.Books
    ) -> Figures:
        latencies, rates, counts = figures.measure(floor_answers, sent, books)
        return Figures(
            taken=figures.today(),
            machine=figures.machine(),
            clients=self._settings.clients,
            orders=self._settings.orders,
            seed=self._settings.seed,
            in_flight=self._settings.in_flight,
            latencies=latencies,
            rates=rates,
            counts=counts,
            answers=dict(sorted(self._tally.answers.items())),
            retries=dict(sorted(self._tally.retries.items())),
            killed=dict(sorted(self._killer.killed.items())),
        )
