"""How near carried clips stay to their photos, in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest

from styleinv.evaluation.photo_layer import ground_psnr


def test_the_ground_is_what_shows_no_person():
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    person = np.zeros((64, 64), np.float32)
    person[:, 20:40] = 1
    matte = SimpleNamespace(of_photo=lambda picture: person)
    moved = photo.copy()
    moved[:, 18:42] //= 2
    assert ground_psnr(matte, photo, [moved]) == 100
    moved[:, 50:] = np.clip(photo[:, 50:].astype(int) + np.where(photo[:, 50:] < 128, 10, -10), 0, 255)
    assert ground_psnr(matte, photo, [photo, moved]) == pytest.approx(
        10 * np.log10(255**2 / (0.5 * 100 * 14 / 40)), abs=0.01)       # of 40 columns that show no person, 14
    person[:] = 1
    assert ground_psnr(matte, photo, [moved]) is None
