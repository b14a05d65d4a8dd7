"""How near styles come to their teachers, with tiny networks and an alike-looking one as the teacher."""

import pytest
import torch
from conftest import make_tiny
from PIL import Image
from safetensors.torch import save_file
from style_folders import make_style

from styleinv import InputError, StyleInVPipeline
from styleinv.evaluation.restyled import evaluate_restyled, format_restyled_table
from styleinv.losses.lpips import LPIPSAlex
from styleinv.models.dense_motion import DenseMotion
from styleinv.models.residual import ResidualEncoder


@pytest.fixture(scope="module")
def pipe(tmp_path_factory) -> StyleInVPipeline:
    root, tiny = tmp_path_factory.mktemp("checkpoints"), make_tiny()
    residual = ResidualEncoder(16, 8, 16, 1)
    torch.nn.init.normal_(residual.to_residual.weight, std=0.2)
    parts = {"dense_motion": DenseMotion(16, 16, 8, 8, (8, 8), (16, 16, 16)), "residual": residual}
    StyleInVPipeline(tiny.decoder, tiny.inversion, tiny.motion, **parts).save_pretrained(root / "tiny")
    make_style(StyleInVPipeline.from_pretrained(root / "tiny").decoder, root / "styles" / "blue", 0)
    return StyleInVPipeline.from_pretrained(root / "tiny")


@pytest.fixture
def networks(tmp_path, monkeypatch):
    torch.manual_seed(0)
    (tmp_path / "perceptual").mkdir()
    state = {name: tensor.abs() for name, tensor in LPIPSAlex().state_dict().items()}       # no distance is negative
    save_file(state, tmp_path / "perceptual" / "lpips_alex.safetensors")
    monkeypatch.setattr("styleinv.pipeline.refine", lambda encoder, decoder, target, w0, detail, *_: (w0, detail))
    return tmp_path


def test_a_teacher_that_draws_as_the_style_does_with_the_photo(pipe, networks, sample_faces, tmp_path):
    photo = tmp_path / "ann.png"
    Image.fromarray(sample_faces[0]).resize((256, 256)).save(photo)
    (tmp_path / "blue").mkdir()
    person = pipe.invert(photo, "photo", aligned=True)
    Image.fromarray(pipe.animate(person, seconds=0.04, style="blue").frames[0]).save(tmp_path / "blue" / "ann.png")
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())
    report = evaluate_restyled(pipe, [other, photo], {"blue": tmp_path / "blue"}, networks)
    assert report["blue"]["photos"] == 1
    assert report["blue"]["shown"] == pytest.approx(0, abs=1e-9) and report["blue"]["drawn"] > 1e-6
    assert "| nearer by | 100% | >= 30% |" in format_restyled_table(report)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none has no restyled photo under its own name: check the folder"):
        evaluate_restyled(pipe, [photo], {"blue": tmp_path / "none"}, networks)
