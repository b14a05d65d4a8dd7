"""Verbs for researchers: foreign weights, the field's metrics, the speed of our StyleGAN2 beside a baseline. Torch
comes with the work.
"""

import argparse
from pathlib import Path
from typing import Any

from ..errors import InputError
from .shared import Bar, add_report_options, add_verb, make_folder, number, positive, write_report

LOSSES = ("lpips-alex", "lpips-vgg", "lpips-squeeze", "arcface")


def add_research_verbs(verbs: Any) -> None:
    """Add `convert`, `generate` and `compare`."""
    convert = add_verb(verbs, "convert", _convert, "foreign weights -> folders of ours; no code of the file is run")
    convert.add_argument("kind", choices=("random-face", "selfie", "stylegan2", "rosinality", *LOSSES))
    convert.add_argument("source", type=Path, metavar="SRC",
                         help="the wheel of the PyPI package random-face; the npm package of MediaPipe's selfie "
                         "segmentation; a .pkl of StyleGAN2-ADA or of StyleInV's release; a .pt of rosinality's "
                         "StyleGAN2; torchvision's backbone of an LPIPS; ArcFace's model_ir_se50.pth")
    convert.add_argument("target", type=Path, metavar="DST",
                         help="folder of the decoder; of a StyleInV snapshot, of its parts; of a loss's network, the "
                         "one that --networks names")
    convert.add_argument("--lin", type=Path, metavar="PTH",
                         help="LPIPS's own heads, v0.1: alex.pth, vgg.pth or squeeze.pth")
    generate = add_verb(verbs, "generate", _generate,
                        "images, or clips, of trained or imported reference networks, as frames")
    generate.add_argument("decoder", type=Path, help="folder of a StyleGAN2, as `train image` or `convert` writes it")
    generate.add_argument("target", type=Path, metavar="DST",
                          help="folder of the images, or of a folder of frames for each clip")
    generate.add_argument("--motion", type=Path, help="folder of a motion network; without it, images")
    generate.add_argument("--count", type=positive, default=2048, help="images or clips")
    generate.add_argument("--frames", type=positive, default=128, help="of a clip")
    generate.add_argument("--noise", choices=("const", "none"), default="const", help="of the decoder")
    generate.add_argument("--seed", type=int, default=0, help="of the first; each next has the next")
    compare = add_verb(verbs, "compare", _compare, "FID, KID, IS and FVD of generated clips, by the standard networks")
    compare.add_argument("real", type=Path, help="folder or .zip of real clips: folders of frames, or video files")
    compare.add_argument("fake", type=Path, help="the same of generated ones")
    compare.add_argument("--networks", type=Path, required=True,
                         help="folder of inception-2015-12-05.pt and i3d_torchscript.pt")
    compare.add_argument("--download", action="store_true", help="fetch a network that is missing; its sum is checked")
    compare.add_argument("--images", type=positive, default=50_000, help="frames to compare, at most")
    compare.add_argument("--clips", type=positive, default=2048, help="clips to compare, at most")
    compare.add_argument("--windows", nargs="*", default=["fvd_16", "fvd_128", "fvd_128_by_8"],
                         help="also fvd_512_by_4")
    compare.add_argument("--fps", type=number(1, 240),
                         help="bring video files to this rate (default: each frame that they store)")
    add_report_options(compare)


def _convert(options: argparse.Namespace) -> None:
    if options.lin and not options.kind.startswith("lpips"):
        raise InputError(f"{options.kind} takes no --lin: leave it out.")
    if options.kind in LOSSES:
        return _convert_loss(options)
    if options.kind == "random-face":
        from ..checkpoint import save_network as save
        from ..importers.random_face import random_face
        networks = {".": random_face(options.source)}
    elif options.kind == "selfie":
        from ..checkpoint import save_network as save
        from ..importers.selfie import selfie
        networks = {".": selfie(options.source)}
    else:
        from diffusers import ModelMixin

        from ..importers.stylegan2 import load_parts
        networks, save = load_parts(options.kind, options.source), ModelMixin.save_pretrained
    for name, network in networks.items():
        make_folder(options.target / name)
        save(network, options.target / name)
    print(options.target)


def _convert_loss(options: argparse.Namespace) -> None:
    from ..importers.losses import KINDS, loss_network, save_loss_network
    network, path = loss_network(options.kind, options.source, options.lin), options.target / KINDS[options.kind].place
    make_folder(path.parent)
    save_loss_network(network, path)
    print(path)


def _generate(options: argparse.Namespace) -> None:
    import torch

    from ..checkpoint import load_network
    from ..evaluation.generate import generate
    from ..models.motion import MotionNetwork
    from ..models.stylegan2 import StyleGAN2
    device = "cuda" if torch.cuda.is_available() else "cpu"
    decoder = load_network(StyleGAN2, options.decoder).place(device)
    motion = load_network(MotionNetwork, options.motion).to(device) if options.motion else None
    if motion and motion.config.w_dim != len(decoder.w_avg):
        raise InputError(
            f"{options.motion} moves other latents than {options.decoder} draws: name two of one training.")
    make_folder(options.target)
    with Bar(str(options.target)) as bar:
        generate(decoder, motion, options.target, options.count, options.frames, options.seed, options.noise, bar)
    print(options.target)


def _compare(options: argparse.Namespace) -> None:
    from ..evaluation.compare import compare, format_table
    with Bar("compare") as bar:
        report = compare(options.real, options.fake, options.networks, options.images, options.clips,
                         fps=options.fps, windows=tuple(options.windows), download=options.download, progress=bar)
    write_report(report, format_table(report), options, "compare")


def bench_baseline(options: argparse.Namespace) -> None:
    """`bench --baseline`."""
    from ..evaluation.speed_baseline import compare_to_baseline, format_table
    report = compare_to_baseline()
    write_report(report, format_table(report), options, "baseline")
