"""`styleinv train image|inversion-paper|motion-paper|style-paper`: options, files and networks of the paper's
stages.
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .shared import Help, number, positive
from .train_options import add_run_options, settings, use_threads

if TYPE_CHECKING:
    from ..data.video_set import VideoSet
    from ..training.distributed import Workers

PRESETS = ("dfuf", "ffs", "sky", "taichi", "celebvhq", "lite")


def add_paper_stages(stages: Any) -> None:
    """Add the four stages; `accelerate launch -m styleinv train ...` runs them on many GPUs or machines."""
    _stage(stages, "image", _image, "StyleGAN2-ADA on frames, from scratch")
    inversion = _stage(stages, "inversion-paper", _inversion, "the pSp encoder, on real images alone")
    motion = _stage(stages, "motion-paper", _motion, "StyleInV against a discriminator on frames")
    style = _stage(stages, "style-paper", _style, "StyleGAN2's upper blocks on the images of a style")
    for parser in (inversion, motion, style):
        parser.add_argument("--decoder", type=Path,
                            help="folder of a decoder, as `train image` or `convert` writes it, or a bundle's")
    inversion.add_argument("--arcface", type=Path, metavar="PTH",
                           help="ArcFace IR-SE50 (model_ir_se50.pth) to start from")
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
    parser.add_argument("--save-minutes", type=number(0, 1e6), default=4.0, help="time between checkpoints")
    parser.add_argument("--seed", type=int, default=0, help="of weights and draws")
    parser.add_argument("--grad-accum", "--rounds", type=positive, default=1,
                        help="gradient accumulation: a batch in so many parts")
    parser.add_argument("--precision", choices=("no", "bf16"), default="no", help="mixed precision of the encoders")
    parser.add_argument("--log", choices=("tensorboard", "trackio"),
                        help="also log there; its package must be installed")
    add_run_options(parser, steps=0)        # 0: as many as the settings' kimg ask for
    return parser


def _config(options: argparse.Namespace, stage: str, **changed: Any) -> Any:
    """The preset's settings of the stage, then `changed` ones, then those of --set, printed."""
    from ..training.paper.presets import PRESETS as presets
    preset = presets[options.preset]
    if options.dry_run:
        print(preset.data)
    config = getattr(preset, stage)
    return settings(type(config), options, **asdict(config) | changed)


def _workers(options: argparse.Namespace, config: Any) -> "Workers":
    from ..training.paper.inputs import make_workers
    if options.networks and not options.networks.is_dir():
        raise InputError(f"--networks {options.networks} is no folder: check the name.")
    use_threads(options)
    return make_workers(config, options.out, options.seed, options.grad_accum, options.precision, options.log)


def _data(options: argparse.Namespace, size: int, **choices: Any) -> "tuple[VideoSet, VideoSet | None]":
    from ..training.paper.inputs import read_data
    return read_data(options.data, size, options.splits, options.held_out, **choices)


def _run(stage: Any, options: argparse.Namespace, workers: "Workers", steps: int) -> None:
    from ..training.loop import LoopConfig, run
    loop = LoopConfig(options.out, options.steps or steps, options.minutes, options.save_minutes, True,
                      seed=options.seed + 1, settings=options.settings)
    run(stage, loop, workers)


def _image(options: argparse.Namespace) -> None:
    config = _config(options, "image")
    if options.dry_run:
        return
    from ..training.paper.image import ImageStage
    from ..training.paper.inputs import make_judge
    workers = _workers(options, config)
    frames, held = _data(options, config.size, clips=False)
    _run(ImageStage(frames, config, workers, make_judge(options.networks, held, workers)), options, workers,
         config.steps)


def _inversion(options: argparse.Namespace) -> None:
    config = _config(options, "inversion")
    if options.dry_run:
        return
    from ..training.paper.inputs import (
        IDENTITY,
        LPIPS_ALEX,
        each_video,
        everything,
        load_decoder,
        load_loss,
    )
    from ..training.paper.inversion import PaperInversionStage, identity_distance
    workers = _workers(options, config)
    decoder = load_decoder(options.decoder, workers.device)
    frames, held = _data(options, config.size, clips=False)
    if held is None:
        raise InputError("The encoder is judged on images that it never saw: name them by --held-out or --splits.")
    perceptual = load_loss(options.networks, "perceptual", config.perceptual, LPIPS_ALEX, workers.device)
    identity = load_loss(options.networks, "identity", config.identity, IDENTITY, workers.device)
    held_out = (each_video if config.balance else everything)(held, 128)        # as training draws them
    stage = PaperInversionStage(decoder, frames, held_out, perceptual, identity_distance(identity), config, workers)
    if options.arcface:
        from ..importers.stylegan2 import arcface
        stage.encoder.body.load_state_dict(arcface(options.arcface))
    if workers.is_main:
        print(f"the mean image: {stage.mean_image()}")
    _run(stage, options, workers, config.steps)


def _motion(options: argparse.Namespace) -> None:
    config = _config(options, "motion")
    if options.dry_run:
        return
    from ..models.inversion import InversionEncoder
    from ..training.paper.inputs import load, load_decoder
    from ..training.paper.motion import PaperMotionStage
    workers = _workers(options, config)
    decoder, encoder = load_decoder(options.decoder, workers.device), load(InversionEncoder, options.encoder, "encoder")
    if (encoder.config.preset, encoder.config.w_dim) != (config.preset, len(decoder.w_avg)):
        raise InputError(f"The encoder is {encoder.config.preset} for latents of {encoder.config.w_dim}, and the "
                         f"decoder's are of {len(decoder.w_avg)}: add --set preset={encoder.config.preset}, or name "
                         "the decoder's own encoder.")
    frames, held = _data(options, config.size, shortest=config.frames, fps=config.fps)
    stage = PaperMotionStage(decoder, encoder, frames, config, workers, options.invert, held)
    if held is not None and workers.is_main:
        print(f"motion distance to held-out clips: {stage.bounds()}")
    _run(stage, options, workers, config.steps)


def _style(options: argparse.Namespace) -> None:
    parent = _parent(options)
    config = _config(options, "style",
                     **({name: parent.config[name] for name in ("size", "base", "widest")} if parent else {}))
    if options.dry_run:
        return
    from ..models.stylegan2_discriminator import StyleGAN2Discriminator
    from ..training.paper.inputs import IDENTITY, LPIPS_VGG, load, load_loss, make_judge
    from ..training.paper.inversion import identity_distance
    from ..training.paper.style import PaperStyleStage
    workers = _workers(options, config)
    discriminator = (load(StyleGAN2Discriminator, options.discriminator, "discriminator")
                     if options.discriminator else None)
    if discriminator and any(discriminator.config[name] != parent.config[name] for name in ("size", "base", "widest")):
        raise InputError(f"{options.discriminator} is not of the decoder's size and width: name the one that was "
                         "trained with it.")
    frames, held = _data(options, parent.resolution, clips=False)
    perceptual = load_loss(options.networks, "perceptual", config.perceptual, LPIPS_VGG, workers.device)
    identity = load_loss(options.networks, "identity", config.identity, IDENTITY, workers.device)
    judge = make_judge(options.networks, held, workers)
    stage = PaperStyleStage(parent, frames, perceptual, identity_distance(identity), config, workers, judge,
                            discriminator)
    _run(stage, options, workers, config.steps)


def _parent(options: argparse.Namespace) -> Any:
    """The decoder that a style starts from; a dry run can do without."""
    if options.dry_run and options.decoder is None:
        return None
    from ..models.stylegan2 import StyleGAN2
    from ..training.paper.inputs import load
    return load(StyleGAN2, options.decoder, "decoder")
