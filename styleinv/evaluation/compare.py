"""FID, KID, IS and FVD of generated clips against real ones, both from disk, sampled as the field does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.video_set import VideoSet
from ..errors import InputError, StageProgress
from ..memory import give_back_blocks
from ..metrics import standard
from ..metrics.frechet import frechet_distance
from .table import Row, markdown_table

FAKE_FRAMES = 16        # of each generated clip count as images: its first ones


@dataclass(frozen=True)
class Window:
    """Which frames of a clip FVD sees."""

    frames: int         # so many,
    step: int = 1       # so far apart

    @property
    def span(self) -> int:
        """Frames from the first to the last, both counted."""
        return (self.frames - 1) * self.step + 1


WINDOWS = {"fvd_16": Window(16), "fvd_128": Window(128), "fvd_128_by_8": Window(16, 8), "fvd_512_by_4": Window(128, 4)}
ROWS = (Row("FID", "fid"), Row("KID, x 1000", "kid_1000"), Row("IS", "is"), Row("images of the fakes", "images", "d"),
        *(Row(name.upper().replace("_", " "), f"{name}.value") for name in WINDOWS),
        *(Row(f"clips of {name.upper().replace('_', ' ')}", f"{name}.clips", "d") for name in WINDOWS))


@torch.backends.cudnn.flags(enabled=True, allow_tf32=False)      # the field's evaluations compute in full float32 too
def compare(
    real: str | Path,
    fake: str | Path,
    networks: str | Path,
    images: int = 50_000,
    clips: int = 2048,
    size: int = 256,
    fps: float | None = None,
    windows: tuple[str, ...] = ("fvd_16", "fvd_128", "fvd_128_by_8"),
    download: bool = False,
    seed: int = 0,
    progress: StageProgress = lambda what, done, total: None,
) -> dict[str, Any]:
    """All figures, as a dict that JSON can hold, with the network behind each.

    Real images are a random frame of a random video, real clips start at random; of the fakes, all clips and their
    first frames. Windows for which too few videos are long enough are left out, and `left_out` says why.
    Images that lie in no folder are no clips: each counts alone.

    Args:
        real, fake: folders or zips of clips.
        networks: folder of the standard networks.
        images, clips: how many to compare, at most as many as the fakes give; two or more.
        fps: rate to which video files are brought; None takes every frame that they store.

    Raises:
        InputError: data or networks are missing, or a network is another one.
    """
    unknown = set(windows) - set(WINDOWS)
    if unknown:
        raise InputError(f"There is no window {min(unknown)}: choose of {', '.join(WINDOWS)}.")
    if images < 2 or clips < 2:
        raise InputError("A distance needs two images and two clips at least: raise --images and --clips.")
    if fps is not None and not 1 <= fps <= 240:
        raise InputError(f"Videos cannot be brought to {fps:g} frames per second: choose 1 to 240.")
    torch.manual_seed(seed)
    inception = standard.load_standard(standard.INCEPTION, networks, download)
    i3d = standard.load_standard(standard.I3D, networks, download) if windows else None
    sources = VideoSet(real, size, clips=False, fps=fps), VideoSet(fake, size, clips=False, fps=fps)
    report: dict[str, Any] = {"networks": {"fid, kid, is": standard.INCEPTION.what, "fvd": standard.I3D.what}}
    report |= {} if fps else _remark(*sources)
    report |= _image_figures(inception, *sources, images, progress)
    left_out = {name: reason for name in windows if (reason := _too_short(*sources, WINDOWS[name]))}
    for name in windows:
        if name not in left_out:
            report[name] = _window_figure(i3d, *sources, WINDOWS[name], clips, name, progress)
    return report | {"left_out": left_out}


def _remark(real: VideoSet, fake: VideoSet) -> dict[str, str]:
    """A remark where the first video files of the two sets have different rates."""
    real_fps, fake_fps = real.rate(), fake.rate()
    if not real_fps or not fake_fps or real_fps == fake_fps:
        return {}
    rates = f"real clips have {real_fps:g} frames per second and generated ones {fake_fps:g}"
    return {"remark": f"{rates}; --fps brings both to one rate"}


def _too_short(real: VideoSet, fake: VideoSet, window: Window) -> str:
    """Why a kind of window has no figure; empty where it can have one."""
    counts = [int((frames.lengths >= window.span).sum()) for frames in (real, fake)]
    if min(counts) >= 2:
        return ""
    return f"{counts[0]} real and {counts[1]} generated clips have {window.span} frames; two of each are needed"


def _image_figures(
    network: torch.nn.Module, real: VideoSet, fake: VideoSet, count: int, progress: StageProgress
) -> dict[str, Any]:
    places = [(v, t) for v in range(len(fake.videos)) for t in range(min(FAKE_FRAMES, int(fake.lengths[v])))][:count]
    if len(places) < 2:
        raise InputError(f"{fake.source} has a single image: a distance needs two.")
    drawn = sorted(real.draw_images(count))                 # by videos, so that each is decoded once
    real_features = np.concatenate([standard.image_features(network, images)
                                    for images in _batches(real, drawn, "real images", progress)])
    rows = [(standard.image_features(network, images), standard.image_classes(network, images))
            for images in _batches(fake, places, "generated images", progress)]
    fake_features, classes = map(np.concatenate, zip(*rows))
    score, spread = standard.inception_score(classes)
    return {"images": len(places), "fid": frechet_distance(fake_features, real_features),
            "kid_1000": 1000 * standard.kernel_score(fake_features, real_features), "is": score, "is_spread": spread}


def _batches(
    frames: VideoSet, places: list[tuple[int, int]], what: str, progress: StageProgress
) -> Iterator[torch.Tensor]:
    """The frames at (video, frame), uint8 [N, S, S, 3], so many at a time as pass a network at once."""
    for i in range(0, len(places), standard.BATCH):
        progress(what, i, len(places))
        yield frames.images(places[i : i + standard.BATCH])
        give_back_blocks()          # small blocks that live on cut up the heap: it grew by megabytes per batch


def _window_figure(
    network: torch.nn.Module,
    real: VideoSet,
    fake: VideoSet,
    window: Window,
    count: int,
    name: str,
    progress: StageProgress,
) -> dict[str, Any]:
    """FVD over one kind of window, for which enough videos are long enough."""
    long_real, long_fake = ((frames.lengths >= window.span).nonzero()[:, 0] for frames in (real, fake))
    enough = len(long_real) >= count
    chosen = long_real[torch.randperm(len(long_real))[:count] if enough else torch.randint(len(long_real), (count,))]
    starts = (torch.rand(len(chosen)) * (real.lengths[chosen] - window.span + 1)).long()
    real_features = _clips(network, real, chosen, starts, window, f"{name}, real", progress)
    first = torch.zeros(len(long_fake[:count])).long()
    fake_features = _clips(network, fake, long_fake[:count], first, window, f"{name}, generated", progress)
    return {"value": frechet_distance(fake_features, real_features), "clips": len(fake_features)}


def _clips(
    network: torch.nn.Module,
    frames: VideoSet,
    videos: torch.Tensor,
    starts: torch.Tensor,
    window: Window,
    what: str,
    progress: StageProgress,
) -> np.ndarray:
    """Features [N, 400] of windows of videos from their starts."""
    rows = []
    for done, (video, start) in enumerate(zip(videos.tolist(), starts.tolist())):
        progress(what, done, len(videos))
        places = list(range(start, start + window.span, window.step))
        rows.append(standard.clip_features(network, frames.read(video, places)))
        give_back_blocks()          # as above
    return np.stack(rows)


def format_table(report: dict[str, Any]) -> str:
    """The report as Markdown, and which network made what."""
    networks = "\n".join(f"- {what}: {network}" for what, network in report["networks"].items())
    notes = [f"{name.upper().replace('_', ' ')} left out: {reason}" for name, reason in report["left_out"].items()]
    notes += [report["remark"]] if "remark" in report else []
    return f"{markdown_table(ROWS, {'figure': report})}\n\n{networks}" + "".join(f"\n- {note}" for note in notes)
