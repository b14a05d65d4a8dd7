"""`styleinv bench --baseline`: our StyleGAN2 beside a plain one of the same weights, in one run.

The baseline is what StyleGAN2-ADA runs without its CUDA kernels: weights made for each sample, one grouped convolution
over the batch, zeros inserted and filtered channel by channel, each part of an activation on its own. It computes in
float32 in every case, as StyleGAN2-ADA does without a GPU; the cases differ in what ours computes in.
"""

import multiprocessing
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F

from ..memory import keep_large_blocks
from ..models.stylegan2 import StyleGAN2, SynthesisLayer, ToRGB
from .table import Row, markdown_table

DTYPES = (torch.float32, torch.bfloat16)
CASES = {f"{str(dtype)[6:]}, batch {batch}": (dtype, batch) for dtype in DTYPES for batch in (1, 8)}
TARGETS = {name: (1.4 if dtype == torch.float32 else 3.0, None) for name, (dtype, _) in CASES.items()}      # factors
ROWS = (
    Row("baseline in float32, frames/s", "baseline_fps"),
    Row("the same with our memory setting, frames/s", "tuned_fps"),
    Row("ours, frames/s", "ours_fps"),
    Row("ours, times the baseline", "ratio", ".2f", TARGETS),
    Row("ours, times the baseline with our memory setting", "tuned_ratio", ".2f"),
    Row("largest difference of the images, of their deviation", "difference", ".2e"),
)


def plain_filter(x: torch.Tensor, up: int, before: int, after: int) -> torch.Tensor:
    """Zeros inserted, padded, filtered by [1, 3, 3, 1] with gain `up`^2 or 4: [N, C, H, W] -> [N, C, ...]."""
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, (before, after, before, after))
    row = torch.tensor([1.0, 3, 3, 1]).to(x) / 4
    return F.conv2d(x, (row[:, None] * row)[None, None].repeat(c, 1, 1, 1), groups=c)


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


def computes_in_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; others emulate that, at less than the speed of float32."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


@torch.no_grad()
def compare_to_baseline(
    calls: int = 5, network: StyleGAN2 | None = None, bfloat16: bool | None = None
) -> dict[str, Any]:
    """Frames per second of both, best of so many calls in turn; by default at 256 px with random weights.

    The baseline runs in a process of its own, where glibc manages the memory; and once more in this one, where glibc
    keeps large blocks (see `memory`) as in our pipeline. The case of bfloat16 is run where the processor has it, or as
    `bfloat16` says.
    """
    torch.manual_seed(0)
    network = (network or StyleGAN2()).eval()
    settings = {name: value for name, value in network.config.items() if not name.startswith("_")}
    bfloat16 = computes_in_bfloat16() if bfloat16 is None else bfloat16
    keep_large_blocks()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        report = {}
        for name, (dtype, batch) in CASES.items():
            if dtype == torch.float32 or bfloat16:
                w = torch.randn(batch, len(network.w_avg))
                baseline = partial(_in_pool, pool, tuple(settings.items()), w)
                report[name] = _run(network, dtype, w, baseline, calls)
    machine = f"{platform.machine()}, {platform.system()}, {torch.backends.cpu.get_cpu_capability()}"
    return {"cases": report, "threads": torch.get_num_threads(), "torch": torch.__version__,
            "size": network.config.size, "machine": machine, "bfloat16": bfloat16}


def _in_pool(pool: ProcessPoolExecutor, settings: tuple, w: torch.Tensor) -> float:
    return pool.submit(_baseline_alone, settings, w, torch.get_num_threads()).result()


def _run(
    network: StyleGAN2, dtype: torch.dtype, w: torch.Tensor, baseline: Callable[[], float], calls: int
) -> dict[str, float]:
    """One case, w [N, w_dim] to images: the column of the table."""
    network.compute_in(dtype, 0 if dtype == torch.float32 else 99)
    works = {
        "baseline": baseline,
        "tuned": lambda: _seconds(lambda: plain_synthesis(network, w)),
        "ours": lambda: _seconds(lambda: network(w)),
    }
    best = {name: work() for name, work in works.items()}       # the warm-up, which counts if it is the best
    for _ in range(calls):                                      # in turn: what else the machine does slows all
        best = {name: min(best[name], work()) for name, work in works.items()}
    expected = plain_synthesis(network, w)
    return {f"{name}_fps": len(w) / seconds for name, seconds in best.items()} | {
        "ratio": best["baseline"] / best["ours"], "tuned_ratio": best["tuned"] / best["ours"],
        "difference": ((network(w) - expected).abs().max() / expected.std()).item()}


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@lru_cache(1)
def _network(settings: tuple) -> StyleGAN2:
    return StyleGAN2(**dict(settings)).eval()


@torch.no_grad()
def _baseline_alone(settings: tuple, w: torch.Tensor, threads: int) -> float:
    """Seconds of the baseline in the process that calls this, for a network of these settings and any weights."""
    torch.set_num_threads(threads)
    network = _network(settings)
    return _seconds(lambda: plain_synthesis(network, w))


def format_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    title = (f"StyleGAN2 at {report['size']} px, {report['threads']} threads, torch {report['torch']}, "
             f"{report['machine']}")
    table = markdown_table(ROWS, report["cases"], title)
    missing = "No case in bfloat16: this processor has no arithmetic for it (AVX512-BF16 or AMX)."
    return table if report["bfloat16"] else f"{table}\n\n{missing}"
