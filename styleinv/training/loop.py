"""The one training loop: steps a stage, logs, checkpoints, resumes, and stops cleanly on SIGTERM."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image

from ..errors import InputError
from ..models.ops import to_uint8
from .distributed import Workers

LENGTHS = {"steps", "kimg"}         # settings that may change when a run goes on


class Stage(Protocol):
    """What the loop needs of a stage: `step` does one optimisation step and returns figures to log."""

    def step(self, step: int) -> dict[str, float]: ...
    def state_dict(self) -> dict: ...                       # everything that resuming needs
    def load_state_dict(self, state: dict) -> None: ...
    def snapshot(self, folder: Path) -> dict | None: ...    # networks and previews for people; held-out figures, if any


class Checkpointed:
    """Saves and restores the networks, optimisers and whatever else it names."""

    parts: tuple[str, ...] = ()     # attributes with a state_dict

    def state_dict(self) -> dict:
        return {name: getattr(self, name).state_dict() for name in self.parts}

    def load_state_dict(self, state: dict) -> None:
        for name in self.parts:
            getattr(self, name).load_state_dict(state[name])


@dataclass(frozen=True)
class LoopConfig:
    out: Path                       # run folder: log.jsonl, measures.jsonl, state.pt, and what the stage saves
    steps: int                      # stop after so many steps, those before a resume included
    minutes: float | None = None    # or after so many minutes of this run
    save_minutes: float = 4.0       # time between checkpoints
    save_first: bool = False        # and one before the first step, so that the measures start where the training does
    log_every: int = 20             # steps between lines of the log
    seed: int = 0                   # of the first step; resuming continues the stored generator
    settings: dict | None = None    # of the stage, as JSON can hold them; a run is resumed with the same alone


def run(stage: Stage, config: LoopConfig, workers: Workers = Workers()) -> int:
    """Train until `steps`, `minutes` or SIGTERM, resuming from `out` if it holds a checkpoint;
    returns the step reached."""
    step = resume(stage, config.out, config.seed, workers, config.settings)
    begin, figures, stopping = time.monotonic(), [], []
    previous = signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    saved = begin if step or not config.save_first else float("-inf")
    try:
        while step < config.steps:
            if workers.any(time.monotonic() - saved > 60 * config.save_minutes):
                save(stage, config.out, workers, step, begin, config.settings)
                saved = time.monotonic()
            figures.append(stage.step(step))
            step, seconds = step + 1, time.monotonic() - begin
            if step % config.log_every == 0:
                write_line(config.out, workers, step, seconds, figures)
                figures = []
            if workers.any(bool(stopping) or (config.minutes is not None and seconds > 60 * config.minutes)):
                break
    finally:
        signal.signal(signal.SIGTERM, previous)
    save(stage, config.out, workers, step, begin, config.settings)
    return step


def resume(stage: Stage, out: Path, seed: int, workers: Workers, settings: dict | None = None) -> int:
    """The step to go on from: that of the checkpoint in `out`, or 0 with a new seed.
    All processes take over the leader's state.

    Raises:
        InputError: `out` is no folder, or holds a damaged checkpoint, or one of other networks or settings.
    """
    torch.manual_seed(seed)
    kept = _checkpoint(out) if workers.is_main else None
    _check_settings(out, (kept or {}).get("settings"), settings)
    state = workers.broadcast(kept or {"step": 0, "rng": torch.get_rng_state(), "stage": stage.state_dict()})
    try:
        stage.load_state_dict(state["stage"])
    except (RuntimeError, KeyError, ValueError) as error:
        what = f"{out} was begun with other settings of the networks"
        raise InputError(f"{what}: repeat these, or name another --out.") from error
    torch.set_rng_state(state["rng"])
    return state["step"]


def _check_settings(out: Path, before: str | None, now: dict | None) -> None:
    """Raises InputError if a run was begun with another setting, which would be printed and not used."""
    begun, asked = json.loads(before or "{}"), json.loads(json.dumps(now or {}))
    for name in sorted(set(begun) & set(asked) - LENGTHS):
        if begun[name] != asked[name]:
            settings = f"{name}={begun[name]}, not {asked[name]}"
            raise InputError(f"{out} was begun with {settings}: repeat that, or name another --out.")


def _checkpoint(out: Path) -> dict | None:
    """What the run's folder holds, which is made; None for a new run."""
    path = out / "state.pt"
    try:
        out.mkdir(parents=True, exist_ok=True)
        return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None
    except OSError as error:
        raise InputError(f"{out} is no folder that can be written: name another --out.") from error
    except Exception as error:          # a damaged file can raise anything
        raise InputError(f"{path} is damaged: remove it to begin anew, or name another --out.") from error


def save(stage: Stage, out: Path, workers: Workers, step: int, begin: float, settings: dict | None = None) -> None:
    """Write the checkpoint beside the old one and swap, so that a kill never leaves half a file."""
    if workers.is_main:
        partial, rng = out / "state.partial", torch.get_rng_state()
        state = {"step": step, "rng": rng, "stage": stage.state_dict(), "settings": json.dumps(settings or {})}
        torch.save(state, partial)
        partial.replace(out / "state.pt")
        if figures := stage.snapshot(out):
            write_line(out, workers, step, time.monotonic() - begin, [figures], "measures")
        torch.set_rng_state(rng)        # previews draw, and must not change what follows
    workers.barrier()


def write_line(
    folder: Path, workers: Workers, step: int, seconds: float, figures: list[dict[str, float]], name: str = "log"
) -> None:
    """Means of the last steps' figures: a line of `folder`/`name`.jsonl and of the screen,
    and to the workers' trackers."""
    line = {"step": step, "seconds": round(seconds, 1)}
    for key in dict.fromkeys(key for step_figures in figures for key in step_figures):      # some come every few steps
        values = [f[key] for f in figures if key in f]
        line[key] = round(sum(values) / len(values), 5)
    if workers.is_main:
        with open(folder / f"{name}.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        print("  ".join(f"{k} {v:g}" for k, v in line.items()), flush=True)
    workers.log(line, step)


def save_sheet(path: Path, images: torch.Tensor, columns: int) -> None:
    """Images [N, 3, S, S] in [-1, 1] as one picture, row by row; N a multiple of `columns`."""
    rows = [torch.cat(list(row), dim=1) for row in to_uint8(images.cpu()).split(columns)]
    Image.fromarray(torch.cat(rows).numpy()).save(path)
