"""What optimisation needs beyond torch: averages of weights, lazy regularisation, schedules, Ranger."""

import math

import torch
from torch import nn


class EMA:
    """A running average of a network, as the one that is kept (exponential, by half-life)."""

    def __init__(
        self,
        network: nn.Module,     # what it starts from
        copy: nn.Module,        # the same architecture; becomes the average
    ):
        copy.load_state_dict(network.state_dict())
        self.network = copy.eval().requires_grad_(False)

    def state_dict(self) -> dict:
        return self.network.state_dict()

    def load_state_dict(self, state: dict) -> None:
        self.network.load_state_dict(state)

    @torch.no_grad()
    def update(self, network: nn.Module, samples: int, half_life: float) -> None:
        """After `samples` more of them; parameters are averaged with a half-life in samples, buffers copied."""
        average_parameters(self.network, network, 0.5 ** (samples / half_life) if half_life else 0.0)
        for kept, now in zip(self.network.buffers(), network.buffers()):
            kept.copy_(now)


@torch.no_grad()
def average_parameters(kept: nn.Module, now: nn.Module, decay: float) -> None:
    """One step of a running average: `decay` of what is kept stays, the rest comes from the network as it is now."""
    for average, parameter in zip(kept.parameters(), now.parameters(), strict=True):
        average.lerp_(parameter, 1 - decay)


def half_cosine(progress: float) -> float:
    """Factor of a learning rate that falls from 1 to 0 by half a cosine, while `progress` rises from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def warm_half_cosine(step: int, steps: int) -> float:
    """Linear warm-up over 100 steps, then half a cosine down to one percent, of the peak."""
    return min(1.0, (step + 1) / 100) * (0.01 + 0.99 * half_cosine(step / steps))


def lazy_adam(network: nn.Module, lr: float, every: int) -> torch.optim.Adam:
    """Adam for a loss that is regularised every so many steps only (StyleGAN2, appendix B);
    0: without regularisation."""
    c = every / (every + 1) if every else 1.0
    return torch.optim.Adam(network.parameters(), lr * c, betas=(0.0, 0.99**c), eps=1e-8)


def gradient_penalty(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """R1 (Mescheder et al., arXiv:1801.04406): the mean squared norm of the logits' gradient by the images [N, ...]."""
    gradient, = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1).mean()


def path_lengths(images: torch.Tensor, ws: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """|J^T y| of each image (StyleGAN2, equation 4).

    Args:
        images: [N, 3, S, S], made of `ws`; ws: [N, num_ws, w_dim].
        noise: y ~ N(0, I), like the images.

    Returns:
        [N], which depends on all weights: its gradient is a second derivative.
    """
    y = noise / (images.shape[2] * images.shape[3])**0.5
    gradient, = torch.autograd.grad((images * y).sum(), ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


class Ranger(torch.optim.RAdam):
    """RAdam (Liu et al., arXiv:1908.03265) with Lookahead (Zhang et al., arXiv:1907.08610) and gradient centralisation
    (Yong et al., arXiv:2004.01461); the defaults are StyleInV's for its encoder."""

    def __init__(
        self,
        parameters,                                 # what it trains
        lr: float = 1e-4,                           # learning rate
        betas: tuple[float, float] = (0.95, 0.999), # decay of the moments
        eps: float = 1e-5,                          # in the denominator
        every: int = 6,                             # steps between looks
        pull: float = 0.5,                          # share of the way that the slow weights go
    ):
        super().__init__(parameters, lr, betas, eps)
        self.every, self.pull = every, pull

    @torch.no_grad()
    def step(self) -> None:
        """One step."""
        trained = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        for p in trained:
            if p.ndim > 1:
                p.grad.sub_(p.grad.mean(dim=tuple(range(1, p.ndim)), keepdim=True))
            self.state[p].setdefault("slow", p.clone())
        slow = {p: self.state[p].pop("slow") for p in trained}      # RAdam takes an empty state for a first step
        super().step()
        for p in trained:
            if int(self.state[p]["step"]) % self.every == 0:
                p.copy_(slow[p].lerp_(p, self.pull))
            self.state[p]["slow"] = slow[p]
