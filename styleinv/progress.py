"""How work tells what is done of it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]               # (done, in all)
StageProgress = Callable[[str, int, int], None]     # (stage, done, in all)
