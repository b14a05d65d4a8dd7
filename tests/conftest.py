"""What the tests share: the bundle, a tiny pipeline of random networks, people whom the decoder draws, data sets."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from styleinv import StyleInVPipeline

BUNDLE = Path(__file__).parent.parent / "checkpoints" / "ffhq"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The app's tests come first: they are long and share a server; short ones fill what is left of the time."""
    items.sort(key=lambda item: item.path.parent.name != "ui")


def make_tiny(seed: int = 0) -> "StyleInVPipeline":
    """A pipeline of random networks for 256 px; it draws coloured noise, in milliseconds."""
    import torch

    from styleinv import StyleInVPipeline
    from styleinv.models.inversion import InversionEncoder
    from styleinv.models.mobile_stylegan import MobileDecoder
    from styleinv.models.motion import MotionNetwork

    torch.manual_seed(seed)
    decoder = MobileDecoder(channels=(16,) * 6, sizes=(128, 256), w_dim=32)
    encoder = InversionEncoder("tiny", input_size=32, spatial=4, hidden=16, num_ws=decoder.num_ws, w_dim=32)
    motion = MotionNetwork("tiny", input_size=32, w_dim=32, z_dim=8, style_dim=16, frequencies=4, lr_mul=1.0)
    torch.nn.init.normal_(motion.head.weight, std=30)      # so that it moves visibly
    return StyleInVPipeline(*(network.eval().requires_grad_(False) for network in (decoder, encoder, motion)))


def make_alive() -> "StyleInVPipeline":
    """A tiny pipeline with a dense motion that moves visibly."""
    import torch

    from styleinv import StyleInVPipeline
    from styleinv.models.dense_motion import DenseMotion

    tiny = make_tiny()
    torch.manual_seed(0)
    network = DenseMotion(16, 16, 8, 8, (8, 8), (16, 16, 16))
    torch.nn.init.normal_(network.to_flow.weight, std=0.2)
    return StyleInVPipeline(tiny.decoder, tiny.inversion, tiny.motion, network.eval().requires_grad_(False))


def port() -> int:
    """A free one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def tiny() -> "StyleInVPipeline":
    """See :func:`make_tiny`; tests leave it as it is."""
    return make_tiny()


@pytest.fixture(scope="session")
def alive() -> "StyleInVPipeline":
    """See :func:`make_alive`; tests leave it as it is."""
    return make_alive()


@pytest.fixture(scope="session")
def pipe() -> "StyleInVPipeline":
    """The bundle that comes with the repository."""
    if not BUNDLE.is_dir():
        pytest.skip("there is no bundle in checkpoints/ffhq")
    from remembering import Remembering

    return Remembering.from_pretrained(BUNDLE)


@pytest.fixture(scope="session")
def sample_faces() -> np.ndarray:
    """Three aligned faces, uint8 [3, 512, 512, 3]."""
    folder = BUNDLE / "decoder"
    if not folder.is_dir():
        pytest.skip("the bundle's decoder is not in checkpoints/ffhq")
    import torch

    from styleinv.models.mobile_stylegan import MobileDecoder

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


@pytest.fixture(scope="session")
def photos(tmp_path_factory, sample_photo: np.ndarray, sample_faces: np.ndarray) -> Path:
    """Files as visitors bring them: one.jpg, two.jpg with two people, empty.png, notes.jpg and cut.jpg."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    two = sample_photo.copy()
    two[40:296, 0:224] = sample_faces[1][::2, ::2][:, 16:240]
    Image.fromarray(sample_photo).save(folder / "one.jpg", quality=92)
    Image.fromarray(two).save(folder / "two.jpg", quality=92)
    Image.new("RGB", (300, 200), "teal").save(folder / "empty.png")
    (folder / "notes.jpg").write_text("no picture")
    (folder / "cut.jpg").write_bytes((folder / "one.jpg").read_bytes()[:20_000])
    return folder


@pytest.fixture(scope="session")
def crowd(tmp_path_factory, pipe: "StyleInVPipeline") -> list[Path]:
    """Eight photos of eight people, the aligned face of 512 px at x 128, y 128."""
    import torch
    from PIL import Image

    folder, paths = tmp_path_factory.mktemp("crowd"), []
    for seed in range(8):
        with torch.no_grad():
            face = pipe.decoder.synthesis(pipe.sample_face(seed).ws[None], 512)[0].permute(1, 2, 0)
        photo = Image.new("RGB", (768, 768), "grey")
        photo.paste(Image.fromarray(((face.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()), (128, 128))
        paths.append(folder / f"{seed}.jpg")
        photo.save(paths[-1], quality=92)
    return paths


@pytest.fixture(scope="session")
def styled(tmp_path_factory) -> "StyleInVPipeline":
    """A tiny pipeline, loaded from a folder beside which the styles blue and green lie; tests leave it as it is."""
    from style_folders import make_style

    from styleinv import StyleInVPipeline

    root = tmp_path_factory.mktemp("checkpoints")
    make_tiny().save_pretrained(root / "tiny")
    for seed, name in enumerate(("blue", "green")):
        make_style(StyleInVPipeline.from_pretrained(root / "tiny").decoder, root / "styles" / name, seed)
    return StyleInVPipeline.from_pretrained(root / "tiny")


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Path:
    """24 images of 16 px: a bright disc on a dark ground, somewhere."""
    from PIL import Image

    folder, (y, x) = tmp_path_factory.mktemp("images"), np.mgrid[:16, :16]
    for seed in range(24):
        rng = np.random.default_rng(seed)
        disc = (x - rng.uniform(4, 12))**2 + (y - rng.uniform(4, 12))**2 < 9
        pixels = np.where(disc[..., None], [230, 180, 60], [20, 40, 90]).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed:02}.png")
    return folder


@pytest.fixture(scope="session")
def videos(tmp_path_factory) -> Path:
    """Four videos of 16 frames of 16 px: squares that move, one folder of frames per video."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("videos")
    for v in range(4):
        (folder / f"v{v}").mkdir()
        for t in range(16):
            frame = Image.new("RGB", (16, 16), (20, 40, 90))
            frame.paste((230, 180, 60), (t // 2, 2 + 2 * v, t // 2 + 6, 8 + 2 * v))
            frame.save(folder / f"v{v}" / f"{t:03}.png")
    return folder
