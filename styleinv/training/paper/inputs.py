"""What the paper's stages start from: processes, data, earlier stages, networks of the losses, a judge."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from ...checkpoint import load_network
from ...data.splits import listed_names
from ...data.video_set import VideoSet
from ...errors import InputError
from ...importers.losses import KINDS
from ...losses.identity import MobileFaceNet
from ...losses.networks import PLACES
from ...models.mobile_stylegan import MobileDecoder
from ...models.stylegan2 import StyleGAN2
from ..distributed import Workers
from .measures import FeatureDistance, squeeze_features, thumbnails

# Files in the folder of --networks, the paper's network first, and what stands in for it.
LPIPS_ALEX = {KINDS["lpips-alex"].place: KINDS["lpips-alex"].network}
LPIPS_VGG = {KINDS["lpips-vgg"].place: KINDS["lpips-vgg"].network} | LPIPS_ALEX
IDENTITY = {KINDS["arcface"].place: KINDS["arcface"].network, PLACES[MobileFaceNet]: MobileFaceNet}
SQUEEZE = KINDS["lpips-squeeze"].place


def make_workers(
    config: Any,                    # of the stage
    out: Path,                      # run folder
    seed: int = 0,                  # of weights and draws
    grad_accum: int = 1,            # a step's batch in so many parts
    precision: str = "no",          # "no" or "bf16": of the encoders
    tracker: str | None = None,     # "tensorboard" or "trackio"
) -> Workers:
    """Processes, devices, seeds and logging by accelerate.

    Raises:
        InputError: the batch cannot be shared so, or the tracker's package is missing.
    """
    if tracker and not find_spec(tracker):
        raise InputError(f"--log {tracker} needs the package {tracker}: install it.")
    torch.manual_seed(seed)
    accelerator = Accelerator(mixed_precision=precision, log_with=tracker, project_dir=out)
    if tracker:
        accelerator.init_trackers("styleinv")
    workers = Workers(accelerator, grad_accum)
    _check_parts(config, workers)
    if workers.is_main:
        part = config.batch // workers.count // workers.grad_accum
        print(f"processes: {workers.count}, each with {part} samples at a time of {config.batch} per step")
    return workers


def _check_parts(config: Any, workers: Workers) -> None:
    """All parts of a batch must be equal, and those that a discriminator sees be whole groups."""
    parts = workers.count * workers.grad_accum
    path = config.batch // config.path_shrink if getattr(config, "path", 0) else parts
    if config.batch % parts or path % parts or not path:
        what = f"A batch of {config.batch}" if config.batch % parts else f"The path length's batch of {path}"
        shared = f"{workers.count} processes in {workers.grad_accum} parts"
        raise InputError(f"{what} cannot be shared by {shared}: change --set batch or --grad-accum.")
    part, group = config.batch // parts, getattr(config, "group", 1)
    if part > group and part % group:
        raise InputError(f"Parts of {part} samples are not whole groups of {group}: change --set batch or group.")


def read_data(
    source: Path, size: int, splits: Path | None = None, held_out: Path | None = None, **settings: Any
) -> tuple[VideoSet, VideoSet | None]:
    """Data to train on, and data held out, if any: of their own, or what the lists of the splits name."""
    names = listed_names(splits) if splits else set()
    data = VideoSet(source, size, without=names, **settings)
    if data.dropped:
        print(f"{data.dropped} videos are too short and were left out.")
    held = VideoSet(held_out, size, **settings) if held_out else None
    return data, VideoSet(source, size, names=names, **settings) if names else held


def everything(frames: VideoSet, most: int = 512) -> torch.Tensor:
    """All frames, or every so-manieth where they are more than `most`, uint8 [N, S, S, 3]."""
    places = [(video, place) for video, length in enumerate(frames.lengths.tolist()) for place in range(length)]
    return frames.images(places[:: -(-len(places) // most)])


def each_video(frames: VideoSet, most: int = 512) -> torch.Tensor:
    """As many frames of each video, spread over it (all of a short one), or one of every so-manieth,
    uint8 [N, S, S, 3]."""
    videos = range(len(frames.videos))[:: -(-len(frames.videos) // most)]
    count = max(1, most // len(videos))
    lengths = frames.lengths.tolist()
    places = [(v, lengths[v] * (2 * i + 1) // (2 * count)) for v in videos for i in range(count)]
    return frames.images(sorted(set(places)))


def load(kind: type, folder: Path | None, what: str) -> Any:
    """A network of a stage before, from the folder that an option names."""
    if folder is None:
        raise InputError(f"This stage needs --{what}: name the folder that the stage before it wrote.")
    return load_network(kind, folder)


def load_decoder(folder: Path | None, device: torch.device) -> nn.Module:
    """The frozen decoder of a folder: a StyleGAN2, or the default bundle's."""
    try:
        name = json.loads((folder / "config.json").read_text()).get("_class_name") if folder else None
    except (OSError, ValueError, AttributeError) as error:
        get = "name the folder that `train image` or `convert` wrote"
        raise InputError(f"{folder} holds no decoder: {get}.") from error
    if name == MobileDecoder.__name__:
        return load(MobileDecoder, folder, "decoder")
    return load(StyleGAN2, folder, "decoder").place(device)


def load_loss(networks: Path | None, name: str, weight: float, files: dict[str, Any], device: torch.device) -> Any:
    """The network of a loss, None for one without weight.

    Raises:
        InputError: none of its files lies in the folder of networks.
    """
    if not weight:
        return None
    for file, kind in files.items():
        path = networks / file if networks else None
        if path and path.is_file():
            print(f"{name}: {kind.__name__}, {path}")
            return kind.from_file(path).to(device)
    raise InputError(f"The {name} loss needs {next(iter(files))} in the folder of --networks: "
                     f"get it as docs/training.md says, or leave it out by --set {name}=0.")


def make_judge(networks: Path | None, held: VideoSet | None, workers: Workers) -> FeatureDistance | None:
    """Distances to the held-out images, on the main process."""
    if held is None or not workers.is_main:
        return None
    path = networks / SQUEEZE if networks else None
    features = {"thumbnail": thumbnails} | ({"squeeze": squeeze_features(path)} if path and path.is_file() else {})
    judge = FeatureDistance(everything(held), features)
    print(f"held-out halves: {judge.floor()}")
    return judge
