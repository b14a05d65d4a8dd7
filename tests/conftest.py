"""Faces for the tests: people who do not exist, drawn by the bundle's own decoder."""

from pathlib import Path

import numpy as np
import pytest

BUNDLE = Path(__file__).parent.parent / "checkpoints" / "ffhq"


@pytest.fixture(scope="session")
def sample_faces() -> np.ndarray:
    """Three aligned faces, uint8 [3, 512, 512, 3]."""
    folder = BUNDLE / "decoder"
    if not folder.is_dir():
        pytest.skip("the bundle's decoder is not in checkpoints/ffhq")
    import torch

    from styleinv.models.mobile import MobileDecoder

    decoder = MobileDecoder.from_pretrained(folder, torch_dtype=torch.float32).eval()
    z = torch.randn(3, 512, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        images = torch.nn.functional.avg_pool2d(decoder.synthesis(decoder.mapping(z, 0.6), 1024), 2)
    return ((images.permute(0, 2, 3, 1).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).contiguous().numpy()


@pytest.fixture(scope="session")
def sample_photo(sample_faces: np.ndarray) -> np.ndarray:
    """A landscape photo of one person on grey, uint8 [720, 960, 3]; the aligned face begins at x 224, y 104."""
    photo = np.full((720, 960, 3), 128, np.uint8)
    photo[104:616, 224:736] = sample_faces[0]
    return photo
