"""Ctrl-C and SIGTERM, as a clean end: what is half-written is removed on the way out."""

import signal
from typing import Any, Self


class Stops:
    """While it is entered, Ctrl-C and SIGTERM end the work as an exception does, and `code` tells of it.

    Libraries turn an exception that comes out of the blue into others; the code is what to go by.
    """

    code = 0        # 130 after Ctrl-C, 143 after SIGTERM

    def __enter__(self) -> Self:
        self.before: dict[int, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self.before[number] = signal.signal(number, self._stop)
            except ValueError:          # not in the main thread
                break
        return self

    def _stop(self, number: int, frame: Any) -> None:
        self.code = 128 + number
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
