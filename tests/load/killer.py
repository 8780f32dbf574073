"""Kills workers at random while the run is on. The local AWS itself lives.

The killer draws a function first, and then one of its workers. If it drew among all busy workers,
those that empty the queues would die repeatedly. With each of them, a batch is lost until the
visibility timeout. The killer spares a worker that was just started: a start takes seconds here,
and there would be nothing but starts.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from tests.system import workers
from workstation.local_system import LocalSystem

SPARED_SECONDS = 10.0


class Killer:
    """Kills a worker every few seconds, between two bounds.
    `killed` counts the deaths by function.
    """

    def __init__(
        self,
        system: LocalSystem,
        seed: int,
        every: tuple[float, float],
        may_die: Callable[[str], bool],
    ) -> None:
        self.killed: Counter[str] = Counter()
        self._system = system
        self._dice = Random(f"killer {seed}")  # noqa: S311
        self._every = every
        self._may_die = may_die
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._reap, name="killer")

    @contextmanager
    def at_large(self) -> Iterator[None]:
        """Kill workers while the block runs, or until `stop`."""
        self._thread.start()
        try:
            yield
        finally:
            self.stop()

    def stop(self) -> None:
        """Kill no more workers."""
        self._over.set()
        self._thread.join()

    def _reap(self) -> None:
        while not self._over.wait(self._dice.uniform(*self._every)):
            self._kill_one()

    def _kill_one(self) -> None:
        """Prefer a worker that is busy."""
        mortal = {
            pid: name for pid, name in workers.running(self._system).items() if self._may_die(name)
        }
        found = {pid: name for pid, name in mortal.items() if workers.age(pid) > SPARED_SECONDS}
        if not found:
            return
        function = self._dice.choice(sorted(set(found.values())))
        own = [pid for pid, name in found.items() if name == function]
        if workers.kill(self._dice.choice(workers.busy(own) or own)):
            self.killed[function] += 1
