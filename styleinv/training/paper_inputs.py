"""What the paper's stages start from: processes, data, networks of the stages before, networks of the losses, a judge."""

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from ..checkpoint import load_network
from ..errors import InputError
from ..frames import Frames
from ..loss_networks import KINDS
from ..models.mobile import MobileDecoder
from ..models.stylegan2 import StyleGAN2
from .identity import MobileFaceNet
from .measures import FeatureDistance, squeeze_features, thumbnails
from .options import use_threads
from .team import Team

# Files in the folder of --networks, the paper's network first, and what stands in for it.
LPIPS_ALEX = {KINDS["lpips-alex"].place: KINDS["lpips-alex"].network}
LPIPS_VGG = {KINDS["lpips-vgg"].place: KINDS["lpips-vgg"].network} | LPIPS_ALEX
IDENTITY = {KINDS["arcface"].place: KINDS["arcface"].network, "identity/mobilefacenet.safetensors": MobileFaceNet}
SQUEEZE = KINDS["lpips-squeeze"].place


def make_team(options: argparse.Namespace, config: Any) -> Team:
    """Processes, devices, seeds and logging by accelerate.

    Raises:
        InputError: the batch cannot be shared so, a package is missing, or --networks is no folder.
    """
    if options.log and not find_spec(options.log):
        raise InputError(f"--log {options.log} needs the package {options.log}: install it.")
    if options.networks and not options.networks.is_dir():
        raise InputError(f"--networks {options.networks} is no folder: check the name.")
    use_threads(options)
    torch.manual_seed(options.seed)
    accelerator = Accelerator(mixed_precision=options.precision, log_with=options.log, project_dir=options.out)
    if options.log:
        accelerator.init_trackers("styleinv")
    team = Team(accelerator, options.rounds)
    _check_parts(config, team)
    if team.leads:
        print(f"processes: {team.count}, each with {config.batch // team.count // team.rounds} samples at a time of {config.batch} a step")
    return team


def _check_parts(config: Any, team: Team) -> None:
    """All parts of a batch must be equal, and those that a discriminator sees be whole groups."""
    parts = team.count * team.rounds
    path = config.batch // config.path_shrink if getattr(config, "path", 0) else parts
    if config.batch % parts or path % parts or not path:
        what = f"A batch of {config.batch}" if config.batch % parts else f"The path length's batch of {path}"
        raise InputError(f"{what} cannot be shared by {team.count} processes in {team.rounds} rounds: change --set batch or --rounds.")
    part, group = config.batch // parts, getattr(config, "group", 1)
    if part > group and part % group:
        raise InputError(f"Parts of {part} samples are not whole groups of {group}: change --set batch or group.")


def read_data(options: argparse.Namespace, size: int, **settings: Any) -> tuple[Frames, Frames | None]:
    """Data to train on, and data held out, if any: of their own, or what the lists of the splits name."""
    names = set()
    if options.splits:
        try:
            names = {Path(name).stem for part in json.loads(options.splits.read_text()).values() for name in part}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise InputError(f"{options.splits} is no splits.json with lists of names: check the name.") from error
    data = Frames(options.data, size, without=names, **settings)
    if data.dropped:
        print(f"{data.dropped} videos are too short and were left out.")
    held = Frames(options.held_out, size, **settings) if options.held_out else None
    return data, Frames(options.data, size, names=names, **settings) if names else held


def everything(frames: Frames, most: int = 512) -> torch.Tensor:
    """All frames, or every so-manieth where they are more than `most`, uint8 [N, S, S, 3]."""
    places = [(video, place) for video, length in enumerate(frames.lengths.tolist()) for place in range(length)]
    return frames.images(places[:: -(-len(places) // most)])


def each_video(frames: Frames, most: int = 512) -> torch.Tensor:
    """As many frames of each video, spread over it (all of a short one), or one of every so-manieth, uint8 [N, S, S, 3]."""
    videos = range(len(frames.videos))[:: -(-len(frames.videos) // most)]
    count = max(1, most // len(videos))
    places = [(video, int(frames.lengths[video]) * (2 * i + 1) // (2 * count)) for video in videos for i in range(count)]
    return frames.images(sorted(set(places)))


def load(kind: type, folder: Path | None, what: str) -> Any:
    """A network of a stage before, from the folder that an option names."""
    if folder is None:
        raise InputError(f"This stage needs --{what}: name the folder that the stage before it wrote.")
    return load_network(kind, folder)


def load_decoder(options: argparse.Namespace, team: Team) -> nn.Module:
    """The frozen decoder of a folder: a StyleGAN2, or the default bundle's."""
    try:
        name = json.loads((options.decoder / "config.json").read_text()).get("_class_name") if options.decoder else None
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{options.decoder} holds no decoder: name the folder that `train image` or `convert` wrote.") from error
    if name == MobileDecoder.__name__:
        return load(MobileDecoder, options.decoder, "decoder")
    return load(StyleGAN2, options.decoder, "decoder").place(team.device)


def load_loss(options: argparse.Namespace, name: str, weight: float, files: dict[str, type], device: torch.device) -> Any:
    """The network of a loss, None for one without weight.

    Raises:
        InputError: none of its files lies in --networks.
    """
    if not weight:
        return None
    for file, kind in files.items():
        path = options.networks / file if options.networks else None
        if path and path.is_file():
            print(f"{name}: {kind.__name__}, {path}")
            return kind.from_file(path).to(device)
    raise InputError(f"The {name} loss needs {next(iter(files))} in the folder of --networks: "
                     f"get it as docs/training.md says, or leave it out by --set {name}=0.")


def make_judge(options: argparse.Namespace, held: Frames | None, team: Team) -> FeatureDistance | None:
    """Distances to the held-out images, on the process that leads."""
    if held is None or not team.leads:
        return None
    path = options.networks / SQUEEZE if options.networks else None
    features = {"thumbnail": thumbnails} | ({"squeeze": squeeze_features(path)} if path and path.is_file() else {})
    judge = FeatureDistance(everything(held), features)
    print(f"held-out halves: {judge.floor()}")
    return judge
