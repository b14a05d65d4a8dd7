"""`styleinv bench --peer`: our StyleGAN2 beside a plain recipe of the same network, with the same weights, in one run.

The recipe is what StyleGAN2-ADA runs without its CUDA kernels: weights made for each sample, one grouped convolution over
the batch, zeros inserted and filtered channel by channel, each part of an activation on its own.
"""

import platform
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .memory import keep_large_blocks
from .metrics.table import Row, markdown_table
from .models.stylegan2 import StyleGAN2, SynthesisLayer, ToRGB

RACES = {"float32, batch 1": (torch.float32, 1), "float32, batch 8": (torch.float32, 8), "bfloat16, batch 1": (torch.bfloat16, 1)}
TARGETS = {name: (1.4 if dtype == torch.float32 else 3.0, None) for name, (dtype, _) in RACES.items()}  # times the recipe
ROWS = (
    Row("plain recipe, frames/s", "recipe_fps"),
    Row("plain recipe with our memory setting, frames/s", "tuned_fps"),
    Row("ours, frames/s", "ours_fps"),
    Row("ours, times the recipe", "ratio", ".2f", TARGETS),
    Row("largest difference of the images, of their deviation", "difference", ".2e"),
)


def plain_filter(x: torch.Tensor, up: int, before: int, after: int) -> torch.Tensor:
    """Zeros inserted, padded, filtered by [1, 3, 3, 1] with gain `up`^2 or 4: [N, C, H, W] -> [N, C, ...]."""
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, (before, after, before, after))
    taps = torch.tensor([1.0, 3, 3, 1]).to(x) / 4
    return F.conv2d(x, (taps[:, None] * taps)[None, None].repeat(c, 1, 1, 1), groups=c)


def plain_layer(layer: SynthesisLayer, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """As `SynthesisLayer.forward`, the plain way."""
    n, c, h, _ = x.shape
    weight = layer.weight[None] * layer.affine(w)[:, None, :, None, None]               # [N, C_out, C_in, 3, 3]
    weight = weight * (weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, n * c, h, h)
    if layer.up:
        kernel = weight.transpose(1, 2).flatten(0, 1)                                   # [N C_in, C_out, 3, 3]
        x = F.conv_transpose2d(x, kernel, stride=2, groups=n)                           # [1, N C_out, 2H + 1, 2H + 1]
        x = plain_filter(x.unflatten(1, (n, -1))[0], 1, 1, 1)
    else:
        x = F.conv2d(x, weight.flatten(0, 1), padding=1, groups=n).unflatten(1, (n, -1))[0]
    x = x + layer.noise * layer.strength
    x = x + layer.bias[:, None, None]
    return (F.leaky_relu(x, 0.2) * 2**0.5).clamp(-256, 256)


def plain_rgb(layer: ToRGB, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """As `ToRGB.forward`, the plain way."""
    n, c, h, _ = x.shape
    weight = layer.weight[None] * (layer.affine(w) * layer.gain)[:, None, :, None, None]    # [N, 3, C, 1, 1]
    x = F.conv2d(x.reshape(1, n * c, h, h), weight.flatten(0, 1), groups=n).unflatten(1, (n, 3))[0]
    return (x + layer.bias[:, None, None]).clamp(-256, 256)


def plain_synthesis(network: StyleGAN2, w: torch.Tensor) -> torch.Tensor:
    """w [N, w_dim] -> images [N, 3, S, S], with noise "const"."""
    x = plain_layer(network.conv, network.const.repeat(len(w), 1, 1, 1), w)
    image = plain_rgb(network.to_rgb, x, w)
    for block in [*network.blocks, *network.tops[str(network.config.size)].blocks.values()]:
        x = plain_layer(block.conv1, plain_layer(block.conv0, x, w), w)
        image = plain_filter(image, 2, 2, 1) + plain_rgb(block.to_rgb, x, w)
    return image


@torch.no_grad()
def race(calls: int = 3, network: StyleGAN2 | None = None) -> dict[str, Any]:
    """Frames a second of both, best of so many calls; by default at 256 px with random weights.

    The recipe comes first, in memory as glibc manages it; then glibc is told to keep large blocks (see `memory`), as our
    pipeline does, for the recipe again and for ours. bfloat16 is fast only where the processor computes in it.
    """
    torch.manual_seed(0)
    network = (network or StyleGAN2()).eval()
    ws = {batch: torch.randn(batch, len(network.w_avg)) for _, batch in RACES.values()}
    recipe = {batch: batch / _seconds(lambda: plain_synthesis(network, w), calls) for batch, w in ws.items()}
    keep_large_blocks()
    tuned = {batch: batch / _seconds(lambda: plain_synthesis(network, w), calls) for batch, w in ws.items()}
    report = {}
    for name, (dtype, batch) in RACES.items():
        network.compute_in(dtype, 0 if dtype == torch.float32 else 99)
        ours, expected = batch / _seconds(lambda: network(ws[batch]), calls), plain_synthesis(network, ws[batch])
        difference = ((network(ws[batch]) - expected).abs().max() / expected.std()).item()
        report[name] = {"recipe_fps": recipe[batch], "tuned_fps": tuned[batch], "ours_fps": ours, "ratio": ours / recipe[batch],
                        "difference": difference}
    return {"races": report, "threads": torch.get_num_threads(), "torch": torch.__version__, "size": network.config.size,
            "machine": f"{platform.machine()}, {platform.system()}, {torch.backends.cpu.get_cpu_capability()}"}


def _seconds(work: Callable[[], Any], count: int) -> float:
    """Seconds of one call, the best of `count`, after a warm-up."""
    work()
    best = float("inf")
    for _ in range(count):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def format_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    title = f"StyleGAN2 at {report['size']} px, {report['threads']} threads, torch {report['torch']}, {report['machine']}"
    return markdown_table(ROWS, report["races"], title)
