"""StyleInV's release, built here in its own layout, gives our encoder and our motion network."""

import torch
import torch.nn.functional as F

from styleinv.importers.stylegan2 import psp, styleinv
from styleinv.models.inversion import InversionEncoder
from styleinv.models.motion import MotionNetwork


def release_names(name: str) -> str:
    """Our names of IR-SE50 -> the release's, whose units are numbered through."""
    if name.startswith("body.stem"):
        return name.replace("body.stem", "encoder.input_layer")
    _, _, group, unit, rest = name.split(".", 4)
    number = (0, 3, 7, 21)[int(group)] + int(unit)
    rest = (rest.replace("residual", "res_layer").replace("shortcut", "shortcut_layer")
            .replace("down", "fc1").replace("up", "fc2"))
    return f"encoder.body.{number}.{rest}"


def drawn(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {name: torch.rand_like(value) * 0.1 if value.is_floating_point() else value
            for name, value in network.state_dict().items()}


def test_the_release_gives_encoder_and_motion_network():
    ours = drawn(InversionEncoder("irse50", 256, spatial=0, hidden=0, num_ws=14))
    theirs = {release_names(name): value for name, value in ours.items() if name.startswith("body.")}
    theirs |= {f"encoder.linear.{kind}": ours[f"to_w.{kind}"] for kind in ("weight", "bias")} | {
        "latent_avg": ours["w_avg"]}
    imported = psp(theirs).state_dict()
    assert imported.keys() == ours.keys() and all(torch.equal(imported[name], ours[name]) for name in ours)


def test_the_release_masks_half_of_its_kernels():
    network = MotionNetwork("irse50", 256, z_dim=512, frequencies=256, lr_mul=0.01, aligner_gain=1.0)
    ours, start = drawn(network), "mapping.motion_encoder"
    theirs = {release_names(name): value for name, value in ours.items() if name.startswith("body.")}
    theirs |= {f"encoder.linear.{kind}": ours[f"head.{kind}"] for kind in ("weight", "bias")}
    theirs[f"{start}.frame_0_const"], theirs[f"{start}.time_encoder.freqs"] = (
        ours["style.first_anchor"], network.style.encoding.omega[None])
    kernels = [torch.randn(512, 512, 11) for _ in range(2)]
    for i in (0, 1):
        theirs |= {f"{start}.conv.{i}.weight": kernels[i], f"{start}.conv.{i}.bias": ours[f"style.convs.{i}.bias"]}
        theirs |= {f"mapping.fcf{i}.{kind}": ours[f"style.fuse.{i}.{kind}"] for kind in ("weight", "bias")}
    for a, b in (("periods", "period"), ("phase", "phase"), ("aligners", "aligner")):
        theirs[f"{start}.time_encoder.{a}_predictor.weight"] = ours[f"style.encoding.{b}.weight"]
    for i in range(4):
        for a, b in (("conv1", "conv0"), ("conv2", "conv1"), ("norm1.fc", "norm0.affine"),
                     ("norm2.fc", "norm1.affine")):
            theirs |= {f"encoder.adains.{i}.{a}.{kind}": ours[f"blocks.{i}.{b}.{kind}"] for kind in ("weight", "bias")}
    imported = styleinv(theirs)
    anchors = torch.randn(1, 5, 512)
    x = torch.cat([ours["style.first_anchor"][None, None], anchors[:, 1:]], dim=1).transpose(1, 2)
    for i in (0, 1):                            # as the release computes it, with the right half of the kernel at zero
        live = kernels[i] * (torch.arange(11) < 6) * (0.01 / (512 * 11)**0.5)
        x = F.leaky_relu(F.conv1d(x, live, ours[f"style.convs.{i}.bias"] * 0.01, padding=5), 0.2)
    with torch.no_grad():
        assert torch.allclose(imported.style.codes(anchors), x.transpose(1, 2), atol=1e-4)
    assert (imported.config.distance, imported.config.min_period, imported.config.max_period) == (16, 16, 128)
