"""The projected discriminator of styles."""

import torch

from styleinv.models.light_discriminators import ProjectedDiscriminator, hinge_d, hinge_g


def test_the_discriminator_tells_two_sets_apart():
    torch.manual_seed(0)
    judge = ProjectedDiscriminator((8, 16), width=8)
    optimizer = torch.optim.Adam([p for p in judge.parameters() if p.requires_grad], 1e-2)
    def seen(shift):
        return [torch.randn(4, 8, 8, 8) + shift, torch.randn(4, 16, 4, 4) + shift]
    first = hinge_d(judge(seen(0.5)), judge(seen(-0.5))).item()
    for _ in range(40):
        loss = hinge_d(judge(seen(0.5)), judge(seen(-0.5)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first
    assert hinge_g(judge(seen(0.5))) < hinge_g(judge(seen(-0.5)))
    assert all(not head.mix.weight.requires_grad for head in judge.heads)
