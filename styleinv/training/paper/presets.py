"""The paper's data sets and their settings, and `lite`, which one CPU core trains."""

from dataclasses import dataclass
from typing import Any

from .image import ImageConfig
from .inversion import PaperInversionConfig
from .motion import PaperMotionConfig
from .style import PaperStyleConfig


@dataclass(frozen=True)
class Preset:
    """Settings of the paper's three stages on one data set."""

    data: str                           # what it is, where to get it, how to lay it out
    image: ImageConfig
    inversion: PaperInversionConfig
    motion: PaperMotionConfig
    style: PaperStyleConfig = PaperStyleConfig(half_blocks=4)       # the same for all: it goes on from the image stage


FACES: dict[str, Any] = {"min_period": 16.0, "max_period": 128.0, "distance": 16, "max_dist": 32}
SCENES: dict[str, Any] = {"min_period": 32.0, "max_period": 1024.0, "distance": 128, "max_dist": 128}
HALF: dict[str, Any] = {"half_blocks": 4}               # the four highest resolutions in float16, as in StyleGAN2-ADA

PRESETS = {
    "dfuf": Preset(
        "DeeperForensics-1.0, its unmanipulated source videos (github.com/EndlessSora/DeeperForensics-1.0, "
        "on request): `styleinv prepare clips VIDEOS DATA --fps 30`.",
        ImageConfig(**HALF), PaperInversionConfig(), PaperMotionConfig(**FACES, **HALF),
    ),
    "ffs": Preset(
        "FaceForensics++, its original videos (github.com/ondyari/FaceForensics, on request): "
        "`styleinv prepare clips VIDEOS DATA --fps 30`.",
        ImageConfig(**HALF), PaperInversionConfig(), PaperMotionConfig(**FACES, **HALF, ada_kimg=0.0),
    ),
    "sky": Preset(
        "SkyTimelapse (github.com/weixiong-ur/mdgan): its archive already holds one folder of frames for each clip.",
        ImageConfig(**HALF), PaperInversionConfig(identity=0.0),
        PaperMotionConfig(**SCENES, **HALF, fps=25.0, noise="none"),
    ),
    "taichi": Preset(
        "TaiChi-HD (github.com/AliaksandrSiarohin/first-order-model, data/taichi-loading): "
        "one folder of frames, or one video file, for each clip.",
        ImageConfig(**HALF, noise_inputs=False), PaperInversionConfig(),
        PaperMotionConfig(**SCENES, **HALF, fps=25.0, adversarial=0.1, latent=0.0),
    ),
    "celebvhq": Preset(
        "CelebV-HQ (github.com/CelebV-HQ/CelebV-HQ, a downloader): `styleinv prepare clips VIDEOS DATA --fps 25`. "
        "The paper uses it for style transfer; its release has no settings of motion for it, so these are for faces.",
        ImageConfig(**HALF), PaperInversionConfig(), PaperMotionConfig(**FACES, **HALF, fps=25.0),
    ),
    "lite": Preset(
        "Any folder of aligned faces and clips, such as `styleinv prepare` makes; 64 px, small networks, short clips.",
        ImageConfig(size=64, base=1024, widest=128, mapping_layers=4, batch=16, kimg=200, group=4, ema_kimg=2.0,
                    ada_kimg=50.0, path=0.0, r1=0.5),
        PaperInversionConfig(preset="irse18", size=64, batch=16, kimg=50, lr=5e-4),
        PaperMotionConfig(preset="irse18", size=64, frames=40, fps=25.0, z_dim=128, frequencies=64, base=1024,
                          widest=128, join=8, max_period=64.0, max_dist=16, lr_mul=1.0, aligner_gain=2.0,
                          anchored=True, changes=16.0, group=4, batch=8, kimg=100, lr=2e-4, d_lr=3e-3, latent=0.0,
                          r1=0.01, ema_kimg=0.5, ada_kimg=0.0, batch_norm=False),
        PaperStyleConfig(batch=8, kimg=20, group=4, ema_kimg=1.0, ada_kimg=10.0, from_side=16),
    ),
}
