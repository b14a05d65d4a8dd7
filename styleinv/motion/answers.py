"""What was found of one face by trying, so that it is found once."""

from collections.abc import Callable
from threading import Lock
from typing import Any


class Answers:
    """By name. Who asks for what somebody else is finding waits for it; different things are found side by side."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()                 # of the other ones

    def get(self, name: str, find: Callable[[], Any]) -> Any:
        """What is known by that name, found now if it was not before."""
        with self._lock:
            lock = self._locks.setdefault(name, Lock())
        with lock:
            if name not in self._known:
                self._known[name] = find()
            return self._known[name]

    def __getstate__(self) -> dict[str, Any]:
        """Without the locks: another process has its own."""
        return dict(self._known)

    def __setstate__(self, known: dict[str, Any]) -> None:
        self.__init__()         # type: ignore[misc]
        self._known = known
