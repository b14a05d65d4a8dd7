"""What a run writes down, so that it can go on where it stopped."""

import time
from pathlib import Path
from typing import Protocol

import torch

from ..errors import InputError
from .log import write_line
from .team import Team


class Stage(Protocol):
    """What the loop needs of a stage: `step` does one optimisation step and returns figures to log."""

    def step(self, step: int) -> dict[str, float]: ...
    def state_dict(self) -> dict: ...                       # everything that resuming needs
    def load_state_dict(self, state: dict) -> None: ...
    def snapshot(self, folder: Path) -> dict | None: ...    # networks and previews for people; the held-out figures, if any


def resume(stage: Stage, out: Path, seed: int, team: Team) -> int:
    """The step to go on from: that of the checkpoint in `out`, or 0 with a new seed. All processes take over the leader's state.

    Raises:
        InputError: `out` is no folder, or holds a damaged checkpoint or one of other networks.
    """
    torch.manual_seed(seed)
    kept = _checkpoint(out) if team.leads else None
    state = team.share(kept or {"step": 0, "rng": torch.get_rng_state(), "stage": stage.state_dict()})
    try:
        stage.load_state_dict(state["stage"])
    except (RuntimeError, KeyError, ValueError) as error:
        raise InputError(f"{out} was begun with other settings of the networks: repeat these, or name another --out.") from error
    torch.set_rng_state(state["rng"])
    return state["step"]


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


def save(stage: Stage, out: Path, team: Team, step: int, begin: float) -> None:
    """Write the checkpoint beside the old one and swap, so that a kill never leaves half a file."""
    if team.leads:
        partial, rng = out / "state.partial", torch.get_rng_state()
        torch.save({"step": step, "rng": rng, "stage": stage.state_dict()}, partial)
        partial.replace(out / "state.pt")
        if figures := stage.snapshot(out):
            write_line(out, team, step, time.monotonic() - begin, [figures], "measures")
        torch.set_rng_state(rng)        # previews draw, and must not change what follows
    team.wait()
