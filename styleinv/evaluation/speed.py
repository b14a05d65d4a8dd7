"""Speed and memory: frames per second by stage and size, seconds of an inversion, peak memory, a cold start."""

import multiprocessing
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from ..clip.clip import Clip
from ..clip.recipe import Recipe
from ..inversion import Photo
from .table import Row, markdown_table

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

FPS = 25
STAGES = {      # stage: the part of the pipeline, and its method
    "motion": ("motion", "frames"),
    "trunk": ("decoder", "trunk"),
    "top": ("decoder", "top"),
}
STAGE_ROWS = (
    *(Row(f"{stage}, ms per frame", f"{stage}_ms", ".1f") for stage in (*STAGES, "other")),
    Row("motion and decoding, frames/s", "render_fps", ".1f", {"256 px": (8.0, None)}),
    Row("the photo carried, frames/s", "carried_fps", ".1f"),
    Row("mp4, ms per frame", "encode_ms", ".1f"),
)
WHOLE_ROWS = (
    Row("inversion, fast, s", "inversion_s.fast", ".2f"),
    Row("inversion, close, s", "inversion_s.close", ".1f", {"figure": (None, 20.0)}),
    Row("`styleinv animate` of 2 s, cold, s", "cold_s", ".1f", {"figure": (None, 30.0)}),
    Row("styles rendered together", "styles.count", "d"),
    Row("their cost, of the raw clip's", "styles.ratio", ".2f", {"figure": (None, 3.0)}),
    Row("peak memory, 100 frames, MB", "peak_mb.100", ".0f"),
    Row("peak memory, 1,500 frames, MB", "peak_mb.1500", ".0f", {"figure": (None, 1500.0)}),
    Row("threads", "threads", "d"),
)


def bench(
    pipe: "StyleInVPipeline",
    folder: str | Path | None = None,
    sizes: Sequence[int] = (256, 512, 1024),
    frames: int = 50,
    lengths: Sequence[int] = (100, 1500),
    likeness: Sequence[str] = ("fast", "close"),
) -> dict[str, Any]:
    """Times of a loaded pipeline and, where `folder` says what to load, of fresh processes; a dict that JSON can hold.

    Args:
        pipe: the pipeline under test.
        folder: the checkpoint that `pipe` came from; without it memory and the cold start are left out.
        sizes: output sides in pixels.
        frames: frames timed at each size, after a warm-up.
        lengths: clips, in frames, whose peak memory is measured, each in its own process.
        likeness: modes of inversion to time.
    """
    crop = pipe.sample(seed=0, seconds=1 / FPS, fps=FPS, size=256).frames[0]      # a face that needs no file
    report = {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {platform.system()}",
        "inversion_s": {mode: _timed(partial(pipe.invert, crop, mode, aligned=True))[1] for mode in likeness},
        "sizes": {f"{size} px": stage_times(pipe, crop, size, frames) for size in sizes},
    }
    if pipe.styles:
        report["styles"] = style_cost(pipe, frames)
    if folder is not None:
        report["peak_mb"] = {str(length): _in_new_process(_peak_of_clip, str(folder), length) for length in lengths}
        report["cold_s"] = cold_seconds(folder, crop)
    return report


def format_table(report: dict[str, Any]) -> str:
    """The report of `bench` as Markdown: a table by stage and size, and one of the rest."""
    stages = markdown_table(STAGE_ROWS, report["sizes"], "stage")
    whole = markdown_table(WHOLE_ROWS, {"figure": report}, f"torch {report['torch']}, {report['machine']}")
    return f"{stages}\n\n{whole}"


def stage_times(pipe: "StyleInVPipeline", crop: np.ndarray, size: int, frames: int) -> dict[str, float]:
    """Milliseconds per frame of every stage for a clip of a face, uint8 [256, 256, 3], one frame after the other; and
    frames per second side by side, as clips are drawn.

    "other" is the rest of rendering (bytes, bookkeeping), "encode" marking, encoding and signing of rendered frames.
    """
    inversion = pipe.invert(crop, likeness="fast", aligned=True)

    def render(count: int) -> list[np.ndarray]:
        return list(pipe.animate(inversion, seconds=count / FPS, fps=FPS, seed=0, size=size).frames)

    render(8)                                                           # warm-up
    rendered, seconds = _timed(lambda: render(frames))
    one = pipe.renderer(inversion, Recipe(seconds=frames / FPS, fps=FPS, seed=0, size=size))
    one.frame(one.moment(0))
    with stopwatches(pipe) as spent:
        alone = _timed(lambda: [one.frame(one.moment(number)) for number in range(frames)])[1]
    milliseconds = {f"{stage}_ms": 1000 * spent[stage] / frames for stage in STAGES}
    return milliseconds | {
        "other_ms": 1000 * (alone - sum(spent.values())) / frames,
        "encode_ms": 1000 * encode_seconds(rendered) / frames,
        "render_fps": frames / seconds,
    } | ({"carried_fps": carried_fps(pipe, crop, size, frames)} if pipe.dense_motion else {})


def carried_fps(pipe: "StyleInVPipeline", crop: np.ndarray, size: int, frames: int) -> float:
    """Frames per second of a clip that carries the photo's own pixels, without its file."""
    inversion = replace(pipe.invert(crop, likeness="fast", aligned=True), photo=Photo.of_crop(crop))
    clip = pipe.animate(inversion, seconds=frames / FPS, fps=FPS, seed=0, size=size)
    clip.frames[0]                                                      # warm-up
    return (frames - 8) / _timed(lambda: list(clip.frames[8:]))[1]


def style_cost(pipe: "StyleInVPipeline", frames: int, count: int = 4) -> dict[str, float]:
    """Up to `count` styles together against the raw clip: what a frame of each takes, and their ratio, at 256 px."""
    person, names = pipe.sample_face(0), list(pipe.styles)[:count]

    def milliseconds(style: Sequence[str]) -> float:
        clip = pipe.animate(person, seconds=frames / FPS, fps=FPS, style=style, size=256)
        clip.frames[0]                                                  # warm-up
        return 1000 * _timed(lambda: list(clip.frames[8:]))[1] / (frames - 8)

    raw, styled = milliseconds([]), milliseconds(names)
    return {"count": len(names), "raw_ms": raw, "ms": styled, "ratio": styled / raw}


def encode_seconds(frames: Sequence[np.ndarray]) -> float:
    """Seconds to save frames, uint8 [H, W, 3] each, as an mp4."""
    clip = Clip(lambda start, stop: np.stack(frames[start:stop]), len(frames), FPS, {})
    with tempfile.TemporaryDirectory() as folder:
        return _timed(lambda: clip.save(Path(folder) / "clip.mp4"))[1]


@contextmanager
def stopwatches(pipe: "StyleInVPipeline") -> Iterator[dict[str, float]]:
    """Within the context, seconds spent in each of STAGES add up in the dict that it yields."""
    spent: dict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        for stage, (part, method) in STAGES.items():
            _watch(getattr(pipe, part), method, stage, spent, stack)
        yield spent


def _watch(owner: Any, method: str, stage: str, spent: dict[str, float], stack: ExitStack) -> None:
    """Time a method of one object until `stack` closes."""
    original = getattr(owner, method)

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            spent[stage] += time.perf_counter() - start

    setattr(owner, method, timed)
    stack.callback(delattr, owner, method)                              # the class's method shows again


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` returns, and the seconds it took."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _in_new_process(work: Callable[..., Any], *args: Any) -> Any:
    """Run `work` in a fresh interpreter: a process never returns its peak of memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def _peak_of_clip(folder: str, frames: int) -> float | None:
    """Load, sample, render and save a clip at 256 px; the process's peak in MB. ffmpeg is a process of its own."""
    from ..pipeline import StyleInVPipeline

    pipe = StyleInVPipeline.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as target:
        pipe.sample(seed=0, seconds=frames / FPS, fps=FPS, size=256).save(Path(target) / "clip.mp4")
    return peak_memory()


def peak_memory() -> float | None:
    """Largest resident memory of this process so far in MB; None where the system does not say (not Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1000                                  # the file's unit is kB


def cold_seconds(folder: str | Path, photo: np.ndarray) -> float:
    """Seconds of `styleinv animate` for a clip of 2 s, from a cold start to the file, in a process of its own."""
    with tempfile.TemporaryDirectory() as target:
        Image.fromarray(photo).save(Path(target) / "photo.png")
        command = [
            sys.executable, "-m", "styleinv", "animate", f"{target}/photo.png", "-o", f"{target}/clip.mp4",
            "--seconds", "2", "--checkpoint", str(folder),
        ]
        return _timed(lambda: subprocess.run(command, check=True, capture_output=True))[1]
