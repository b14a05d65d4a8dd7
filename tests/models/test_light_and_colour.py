"""How what is drawn into a photo is brought into its light and colours, in closed form."""

import torch

from styleinv.models.dense_motion import SIDE, border_window, colour_gain, matched


def test_window_and_gain():
    window = border_window(0.1)
    assert window[0].max() == 0 and window[:, -1].max() == 0 and window[32, 32] == 1
    assert torch.equal(window, window.flip(0)) and torch.equal(window, window.T)
    image = torch.rand(1, 3, SIDE, SIDE)
    assert torch.allclose(colour_gain(image, image), torch.ones(1, 4, SIDE, SIDE), atol=1e-5)
    assert (colour_gain(image * 0 + 0.5, image * 0 - 0.5)[:, :3] > 1.5).all()


def test_the_gain_takes_the_red_of_lips_and_leaves_teeth_white():
    decoded = torch.full((1, 3, SIDE, SIDE), 0.2)
    photo = decoded.clone()
    decoded[:, 0, 30:36, 26:36] += 0.5                  # lips, of which the photo's are paler
    photo[:, 0, 30:36, 26:36] += 0.2
    gain = colour_gain(photo, decoded)
    assert gain[0, 3, 31:35, 27:35].max() < 0.6 and gain[0, 3, 10, 10] == 1
    made = matched(decoded, gain)[0]
    assert 0.12 < (made[0] - made[1])[31:35, 27:35].mean() < 0.28
    grey, colour = torch.full_like(decoded, 0.9), torch.cat([torch.ones_like(decoded), gain[:, 3:]], dim=1)
    assert torch.allclose(matched(grey, colour), grey)


def test_another_hue_of_skin_colours_no_teeth():
    decoded = torch.tensor([0.4, -0.2, -0.4])[:, None, None].repeat(1, 1, SIDE, SIDE)
    photo = torch.tensor([0.1, -0.2, -0.1])[:, None, None].expand(1, 3, SIDE, SIDE)
    gain = colour_gain(photo, decoded)
    skin, teeth = (matched(x, gain)[0, :, 32, 32] for x in (decoded, torch.full_like(decoded, 0.5)))
    assert torch.allclose(skin, photo[0, :, 32, 32], atol=0.05)
    assert teeth.max() - teeth.min() < 1e-5 and teeth.mean() > 0


def test_a_grey_photo_has_no_coloured_gaps():
    decoded, grey = torch.rand(1, 3, SIDE, SIDE) * 2 - 1, torch.rand(1, 1, SIDE, SIDE).expand(-1, 3, -1, -1)
    decoded[:, 0] += 0.5
    before, made = (x - x.mean(1, keepdim=True) for x in (decoded, matched(decoded, colour_gain(grey, decoded))))
    assert made.mean((2, 3)).abs().max() < 0.2 * before.mean((2, 3)).abs().max()
