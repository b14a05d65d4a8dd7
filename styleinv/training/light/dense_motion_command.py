"""`styleinv train dense-motion DATA --bundle FOLDER --out RUN`."""

import argparse
import json

from ..options import settings, use_threads


def run_dense_motion(options: argparse.Namespace) -> None:
    """Train, resume and measure; with a network in the bundle, start from it."""
    from ...checkpoint import load_network
    from ...models.dense_motion import DenseMotion
    from ...models.inversion import InversionEncoder
    from ...models.mobile import MobileDecoder
    from ..identity import MobileFaceNet
    from ..loop import LoopConfig, run
    from ..perceptual import SqueezePerceptual
    from .dense_motion import DenseMotionConfig, DenseMotionStage
    from .dense_motion_data import dense_motion_data

    config = settings(DenseMotionConfig, options, steps=options.steps)
    if options.dry_run:
        return
    use_threads(options)
    decoder = load_network(MobileDecoder, options.bundle / "decoder")
    encoder = load_network(InversionEncoder, options.bundle / "inversion")
    identity = MobileFaceNet.from_file(options.data / "identity" / "mobilefacenet.safetensors")
    perceptual = SqueezePerceptual.from_file(options.data / "perceptual" / "lpips_squeeze.safetensors")
    data = dense_motion_data(options.data, options.out / "cache", decoder, encoder, identity)
    known = options.bundle / "dense_motion"
    network = load_network(DenseMotion, known) if known.is_dir() else DenseMotion()
    stage = DenseMotionStage(network, decoder, encoder, data.clips, data.held_out, data.landmarks, perceptual, config=config)
    run(stage, LoopConfig(options.out, options.steps, options.minutes))
    print(json.dumps(stage.measure()))
