"""The paper's stages on tiny networks, for the tests of training: settings, a stage, processes that train together."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch
from conftest import port

from styleinv.data.video_set import VideoSet
from styleinv.models.inversion import InversionEncoder
from styleinv.models.stylegan2 import StyleGAN2
from styleinv.training.distributed import Workers
from styleinv.training.paper.image import ImageConfig, ImageStage
from styleinv.training.paper.inversion import PaperInversionConfig, PaperInversionStage
from styleinv.training.paper.motion import PaperMotionConfig, PaperMotionStage
from styleinv.training.paper.style import PaperStyleConfig, PaperStyleStage

ROOT = Path(__file__).parent.parent
TINY = ImageConfig(size=16, base=128, widest=16, mapping_layers=2, batch=8, group=2, ema_kimg=0.05, r1_every=4,
                   ada_kimg=0.5, ada_target=-1.0, noise="const", lr=0.005)
CALM = replace(TINY, lr=3e-4)      # at a high rate, adversarial training doubles a rounding error at every step
MOTION = PaperMotionConfig(preset="tiny", size=32, frames=12, z_dim=8, frequencies=4, distance=4, min_period=4.0,
                           max_period=12.0, max_dist=8, base=256, widest=16, join=8, group=2, batch=4, lr=2e-3,
                           ema_kimg=0.02, r1_every=4, ada_kimg=0.05)


def stage(images: Path, config: ImageConfig = TINY, workers: Workers = Workers()) -> ImageStage:
    torch.manual_seed(0)
    return ImageStage(VideoSet(images, 16, clips=False), config, workers)


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


WORKER = """
import json, sys, torch
from accelerate import Accelerator
from styleinv.training.distributed import Workers
sys.path.insert(0, "tests")
from paper_stages import trained
torch.set_num_threads(1)
workers = Workers(Accelerator(cpu=True))
for run in json.loads(sys.argv[1]):
    print(json.dumps(trained(*run, workers)), flush=True)
"""


def shared_stage(kind: str, data: str, workers: Workers) -> PaperMotionStage | PaperInversionStage | ImageStage:
    """A stage that does not double rounding errors, of the same first weights in every process."""
    torch.manual_seed(0)
    decoder = StyleGAN2(size=16, base=128, widest=16, z_dim=16, w_dim=16, mapping_layers=2, trunk_resolution=8)
    def distance(x, y):
        return (x - y).square().mean(dim=(1, 2, 3))
    if kind == "image":
        return ImageStage(VideoSet(data, 16, clips=False), CALM, workers)
    if kind == "style":
        config = PaperStyleConfig(batch=8, group=2, from_side=16, noise="const", lr=3e-4, r1_every=4, ada_kimg=0.05)
        return PaperStyleStage(decoder, VideoSet(data, 16, clips=False), distance, distance, config, workers)
    if kind == "inversion":
        frames = VideoSet(data, 16, clips=False)
        config = PaperInversionConfig(preset="tiny", size=16, batch=8, lr=5e-3)
        return PaperInversionStage(decoder, frames, frames.images([(0, 0)]), distance, None, config, workers)
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    config = replace(MOTION, batch=8, lr=1e-4, d_lr=1e-4, batch_norm=False)
    return PaperMotionStage(decoder, encoder, VideoSet(data, 32, shortest=12), config, workers)


def trained(kind: str, data: str, steps: int, workers: Workers) -> list:
    """Figures of so many steps, sums of the first network's tensors, and the next random number."""
    stage = shared_stage(kind, data, workers)
    torch.manual_seed(1)
    lines = [stage.step(step) for step in range(steps)]
    held = [x.double().sum().item() for x in getattr(stage, stage.parts[0]).state_dict().values()]
    return [lines, held, torch.rand(()).item()]


def train_together(runs: list[tuple[str, str, int]]) -> list[list[list]]:
    """What :func:`trained` returns of each kind, data and steps, of each of two processes, which talk by gloo."""
    known = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port()), "WORLD_SIZE": "2",
             "PYTHONPATH": str(ROOT)}
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, json.dumps(runs)], stdout=subprocess.PIPE, text=True,
                                cwd=ROOT, env={**known, "RANK": str(rank), "LOCAL_RANK": str(rank)})
               for rank in range(2)]
    told = [worker.communicate(timeout=240)[0].splitlines()[-len(runs):] for worker in workers]
    return [[json.loads(line) for line in lines] for lines in zip(*told)]


def command(images: Path, out: Path, steps: int) -> list[str]:
    sizes = ["size=16", "base=128", "widest=16", "mapping_layers=2", "batch=8", "group=2", "r1_every=4",
             "ada_kimg=0.05"]
    return [sys.executable, "-m", "styleinv", "train", "image", str(images), "--out", str(out), "--steps", str(steps),
            "--threads", "1", "--save-minutes", "0.002", "--set", *sizes]


def kept(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "state.pt", weights_only=True)["stage"]["generator"]
