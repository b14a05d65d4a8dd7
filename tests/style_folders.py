"""Styles of random networks, for the tests of styles and of their training."""

from pathlib import Path

import pytest
import torch

from styleinv.errors import InputError
from styleinv.models.mobile_stylegan import MobileDecoder
from styleinv.styles import Style, save_style


def above_the_stem(top) -> list[torch.nn.Parameter]:
    """What a style trains, in its order, so that a seed shakes it the same way every time."""
    shared = {*top.stem_parameters()}
    return [p for p in top.parameters() if p not in shared]


def make_style(decoder: MobileDecoder, folder: Path, seed: int) -> Path:
    """A style that is noise around the decoder's own top."""
    generator = torch.Generator().manual_seed(seed)
    style = Style.of(decoder, [decoder.tops["256"]], folder.name.title(), "CC0")
    with torch.no_grad():
        for p in above_the_stem(style.top(256)):
            p += 0.1 * torch.randn(p.shape, generator=generator)
    save_style(style, folder)
    return folder


def refusal(work, *arguments, **settings) -> str:
    with pytest.raises(InputError) as caught:
        work(*arguments, **settings)
    return str(caught.value)
