"""The one training loop: steps a stage, logs, checkpoints, resumes, and stops cleanly on SIGTERM."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from .log import write_line
from .state import Stage, resume, save
from .team import Team


@dataclass(frozen=True)
class LoopConfig:
    out: Path                       # run folder: log.jsonl, measures.jsonl, state.pt, and what the stage saves
    steps: int                      # stop after so many steps, those before a resume included
    minutes: float | None = None    # or after so many minutes of this run
    save_minutes: float = 4.0       # time between checkpoints
    save_first: bool = False        # and one before the first step, so that the measures start where the training does
    log_every: int = 20             # steps between lines of the log
    seed: int = 0                   # of the first step; resuming continues the stored generator


def run(stage: Stage, config: LoopConfig, team: Team = Team()) -> int:
    """Train until `steps`, `minutes` or SIGTERM, resuming from `out` if it holds a checkpoint; returns the step reached."""
    step, begin, figures, stopping = resume(stage, config.out, config.seed, team), time.monotonic(), [], []
    previous = signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    saved = begin if step or not config.save_first else float("-inf")
    try:
        while step < config.steps:
            if team.any(time.monotonic() - saved > 60 * config.save_minutes):
                save(stage, config.out, team, step, begin)
                saved = time.monotonic()
            figures.append(stage.step(step))
            step, seconds = step + 1, time.monotonic() - begin
            if step % config.log_every == 0:
                write_line(config.out, team, step, seconds, figures)
                figures = []
            if team.any(bool(stopping) or config.minutes is not None and seconds > 60 * config.minutes):
                break
    finally:
        signal.signal(signal.SIGTERM, previous)
    save(stage, config.out, team, step, begin)
    return step
