"""LPIPS on VGG16, as the paper's style transfer takes it."""

import torch


def test_lpips_vgg_is_vgg16_with_five_heads():
    from styleinv.losses.lpips import LPIPSVGG
    network = LPIPSVGG().requires_grad_(False)
    assert sum(p.numel() for p in network.parameters()) == 14_714_688 + 64 + 128 + 256 + 512 + 512
    x = torch.rand(1, 3, 32, 32)
    assert [f.shape[1:3] for f in network.features(x)] == [(64, 32), (128, 16), (256, 8), (512, 4), (512, 2)]
    assert float(network(x, x)) == 0
