"""Ranger: rectified Adam that looks ahead, on centred gradients."""

import torch


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
