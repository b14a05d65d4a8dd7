"""`styleinv train image|inversion-paper|motion-paper|style-paper`: options, files and networks of the paper's stages."""

import argparse
import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..helptext import Help
from .options import add_run_options, settings, use_threads

if TYPE_CHECKING:
    from ..frames import Frames
    from .team import Team

PRESETS = ("dfuf", "ffs", "sky", "taichi", "celebvhq", "lite")


def add_paper_stages(stages: Any) -> None:
    """Add the four stages; `accelerate launch -m styleinv train ...` runs them on many GPUs or machines."""
    _stage(stages, "image", _image, "StyleGAN2-ADA on frames, from scratch")
    inversion = _stage(stages, "inversion-paper", _inversion, "the pSp encoder, on real images alone")
    motion = _stage(stages, "motion-paper", _motion, "StyleInV against a discriminator on frames")
    style = _stage(stages, "style-paper", _style, "StyleGAN2's upper blocks on the images of a style")
    for parser in (inversion, motion, style):
        parser.add_argument("--decoder", type=Path, help="folder of a decoder, as `train image` or `convert` writes it, or a bundle's")
    inversion.add_argument("--arcface", type=Path, metavar="PTH", help="ArcFace IR-SE50 (model_ir_se50.pth) to start from")
    style.add_argument("--discriminator", type=Path, help="folder of the decoder's discriminator, to start from")
    motion.add_argument("--encoder", type=Path, help="folder of an encoder, as `train inversion-paper` writes it")
    motion.add_argument("--invert", action="store_true", help="show the discriminator inversions of the real frames")


def _stage(stages: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser = stages.add_parser(name, help=text, description=text, formatter_class=Help)
    parser.set_defaults(run=run)
    parser.add_argument("data", type=Path, help="folder or .zip of images, folders of frames, or video files")
    parser.add_argument("--held-out", type=Path, help="folder or .zip that training never sees, for the measure")
    parser.add_argument("--splits", type=Path, help="splits.json with the names in the data to hold out instead")
    parser.add_argument("--networks", type=Path, help="folder with perceptual/ and identity/, for losses and measures")
    parser.add_argument("--preset", choices=PRESETS, default="lite", help="data set whose settings to use")
    parser.add_argument("--save-minutes", type=float, default=4.0, help="time between checkpoints")
    parser.add_argument("--seed", type=int, default=0, help="of weights and draws")
    parser.add_argument("--rounds", type=int, default=1, help="gradient accumulation: a batch in so many parts")
    parser.add_argument("--precision", choices=("no", "bf16"), default="no", help="mixed precision of the encoders")
    parser.add_argument("--log", choices=("tensorboard", "trackio"), help="also log there; its package must be installed")
    add_run_options(parser, steps=0)        # 0: as many as the settings' kimg ask for
    return parser


def _config(options: argparse.Namespace, stage: str) -> Any:
    """The preset's settings of the stage, changed by --set, printed."""
    from .presets import PRESETS as presets
    preset = presets[options.preset]
    if options.dry_run:
        print(preset.data)
    config = getattr(preset, stage)
    return settings(type(config), options, **asdict(config))


def _team(options: argparse.Namespace, batch: int) -> "Team":
    """Processes, devices, seeds and logging by accelerate."""
    import torch
    from accelerate import Accelerator
    from .team import Team
    if options.log and not find_spec(options.log):
        raise InputError(f"--log {options.log} needs the package {options.log}: install it.")
    use_threads(options)
    torch.manual_seed(options.seed)
    accelerator = Accelerator(mixed_precision=options.precision, log_with=options.log, project_dir=options.out)
    if options.log:
        accelerator.init_trackers("styleinv")
    team = Team(accelerator, options.rounds)
    if batch % (team.count * team.rounds):
        raise InputError(f"A batch of {batch} cannot be shared by {team.count} processes in {team.rounds} rounds: change --set batch.")
    return team


def _frames(options: argparse.Namespace, size: int, **settings: Any) -> tuple["Frames", "Frames | None"]:
    """Data to train on, and data held out, if any: of their own, or what the lists of the splits name."""
    from ..frames import Frames
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


def _everything(frames: "Frames", most: int = 512) -> Any:
    """All frames, or every so-manieth where they are more than `most`, uint8 [N, S, S, 3]."""
    places = [(video, place) for video, length in enumerate(frames.lengths.tolist()) for place in range(length)]
    return frames.images(places[:: -(-len(places) // most)])


def _run(stage: Any, options: argparse.Namespace, team: "Team", steps: int) -> None:
    from .loop import LoopConfig, run
    loop = LoopConfig(options.out, options.steps or steps, options.minutes, options.save_minutes, True, seed=options.seed + 1)
    run(stage, loop, team)


def _file(options: argparse.Namespace, name: str) -> Path | None:
    """A file of the networks' folder, None where it is not there."""
    path = options.networks / name if options.networks else None
    return path if path and path.is_file() else None


def _load(kind: type, folder: Path | None, what: str) -> Any:
    from ..checkpoint import load_network
    if folder is None:
        raise InputError(f"This stage needs --{what}: name the folder that the stage before it wrote.")
    return load_network(kind, folder)


def _judge(options: argparse.Namespace, held: "Frames | None", team: "Team") -> Any:
    """Distances to the held-out images, on the process that leads."""
    from .measures import FeatureDistance, squeeze_features, thumbnails
    if held is None or not team.leads:
        return None
    features, path = {"thumbnail": thumbnails}, _file(options, "perceptual/lpips_squeeze.safetensors")
    judge = FeatureDistance(_everything(held), features | ({"squeeze": squeeze_features(path)} if path else {}))
    print(f"held-out halves: {judge.floor()}")
    return judge


def _decoder(options: argparse.Namespace) -> Any:
    """The frozen decoder of a folder: a StyleGAN2, or the default bundle's."""
    from ..models.mobile import MobileDecoder
    from ..models.stylegan2 import StyleGAN2
    try:
        name = json.loads((options.decoder / "config.json").read_text()).get("_class_name") if options.decoder else None
    except (OSError, ValueError) as error:
        raise InputError(f"{options.decoder} holds no decoder: name the folder that `train image` or `convert` wrote.") from error
    return _load(MobileDecoder if name == MobileDecoder.__name__ else StyleGAN2, options.decoder, "decoder")


def _image(options: argparse.Namespace) -> None:
    config = _config(options, "image")
    if options.dry_run:
        return
    from .image import ImageStage
    team = _team(options, config.batch)
    frames, held = _frames(options, config.size, clips=False)
    _run(ImageStage(frames, config, team, _judge(options, held, team)), options, team, config.steps)


def _style(options: argparse.Namespace) -> None:
    config = _config(options, "style")
    if options.dry_run:
        return
    from ..metrics.perceptual import LPIPSVGG
    from ..models.stylegan2 import StyleGAN2
    from ..models.stylegan2_discriminator import StyleGAN2Discriminator
    from .paper_style import PaperStyleStage
    team, parent = _team(options, config.batch), _load(StyleGAN2, options.decoder, "decoder")
    discriminator = _load(StyleGAN2Discriminator, options.discriminator, "discriminator") if options.discriminator else None
    frames, held = _frames(options, parent.resolution, clips=False)
    vgg, (alex, identity) = _file(options, "perceptual/lpips_vgg.safetensors"), _judges(options, team.device)
    perceptual = LPIPSVGG.from_file(vgg).to(team.device) if vgg else alex
    if perceptual is None:
        raise InputError("The stage needs LPIPS: name a folder with perceptual/lpips_vgg or lpips_alex.safetensors by --networks.")
    stage = PaperStyleStage(parent, frames, perceptual, identity, config, team, _judge(options, held, team), discriminator)
    _run(stage, options, team, config.steps)


def _judges(options: argparse.Namespace, device: Any) -> tuple[Any, Any]:
    """LPIPS and identity distances, of the networks that are there."""
    from ..metrics.perceptual import LPIPSAlex
    from .identity import MobileFaceNet
    from .paper_inversion import identity_distance
    alex, face = _file(options, "perceptual/lpips_alex.safetensors"), _file(options, "identity/mobilefacenet.safetensors")
    print(f"LPIPS: {alex or 'none'}; identity: {face or 'none'}")
    return (LPIPSAlex.from_file(alex).to(device) if alex else None,
            identity_distance(MobileFaceNet.from_file(face).to(device)) if face else None)


def _inversion(options: argparse.Namespace) -> None:
    config = _config(options, "inversion")
    if options.dry_run:
        return
    from .paper_inversion import PaperInversionStage
    team, decoder = _team(options, config.batch), _decoder(options)
    frames, held = _frames(options, config.size, clips=False)
    if held is None:
        raise InputError("The encoder is judged on images that it never saw: name them by --held-out or --splits.")
    perceptual, identity = _judges(options, team.device)
    stage = PaperInversionStage(decoder, frames, _everything(held, 128), perceptual, identity if config.identity else None, config, team)
    if options.arcface:
        from ..importers import arcface
        stage.encoder.body.load_state_dict(arcface(options.arcface))
    if team.leads:
        print(f"the mean image: {stage.mean_image()}")
    _run(stage, options, team, config.steps)


def _motion(options: argparse.Namespace) -> None:
    config = _config(options, "motion")
    if options.dry_run:
        return
    from ..models.inversion import InversionEncoder
    from .paper_motion import PaperMotionStage
    team = _team(options, config.batch)
    decoder, encoder = _decoder(options), _load(InversionEncoder, options.encoder, "encoder")
    frames, held = _frames(options, config.size, shortest=config.frames, fps=config.fps)
    stage = PaperMotionStage(decoder, encoder, frames, config, team, options.invert, held)
    if held is not None and team.leads:
        print(f"motion distance to held-out clips: {stage.bounds()}")
    _run(stage, options, team, config.steps)
