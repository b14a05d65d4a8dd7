"""A small decoder that the paper's stages start from."""

import pytest
import torch

from styleinv.models.stylegan2 import StyleGAN2


@pytest.fixture(scope="module")
def decoder() -> StyleGAN2:
    torch.manual_seed(0)
    return StyleGAN2(size=16, base=128, widest=16, z_dim=16, w_dim=16, mapping_layers=2, trunk_resolution=8)
