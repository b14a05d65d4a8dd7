"""Turns: who draws next, where few can draw at once. First come, first served; who changes a wish goes to the end.

Peace: when nobody waits, for work that can wait.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """A queue of those who want to work, of whom `limit` may."""

    def __init__(self, limit: int = 1):
        self.limit, self._lock, self._queue = limit, Lock(), list[object]()

    @contextmanager
    def take(self, wait: Callable[[int], None]) -> Iterator[None]:
        """Work within. `wait` is told how many are before, again and again; it may raise, to give the place up."""
        me = object()
        with self._lock:
            self._queue.append(me)
        try:
            while (before := self._before(me)) > 0:
                wait(before)
                time.sleep(0.1)
            yield
        finally:
            with self._lock:
                self._queue.remove(me)

    def _before(self, me: object) -> int:
        with self._lock:
            return self._queue.index(me) - self.limit + 1


class Peace:
    """It is broken while somebody waits."""

    def __init__(self) -> None:
        self._lock, self._waiting, self._until = Lock(), 0, 0.0

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Somebody waits for the work within."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def disturb(self, seconds: float) -> None:
        """Somebody will want something again within so many seconds."""
        self._until = time.monotonic() + seconds

    def wait(self, check: Callable[[], None]) -> None:
        """Until there is peace; `check` may raise, to wait no more."""
        check()
        while self._waiting or time.monotonic() < self._until:
            time.sleep(0.05)
            check()
