"""Networks that only judge: loaded once from a file, never trained."""

from pathlib import Path
from typing import Self

from safetensors.torch import load_file
from torch import nn


class FrozenNetwork(nn.Module):
    """A network with fixed weights. Gradients reach its input; none are computed for its weights."""

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Load a safetensors file strictly, as float32 whatever it stores; the network comes frozen, in eval mode."""
        network = cls()
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
        return network.eval().requires_grad_(False)
