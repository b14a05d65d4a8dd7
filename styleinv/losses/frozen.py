"""Networks that only judge: loaded once from a file, never trained."""

from pathlib import Path
from typing import Self

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import InputError


class FrozenNetwork(nn.Module):
    """A network with fixed weights. Gradients reach its input; none are computed for its weights."""

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Load a safetensors file strictly, as float32 whatever it stores; the network comes frozen, in eval mode.

        Raises:
            InputError: there is no such file, or it holds another network.
        """
        network = cls()
        try:
            network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
        except (OSError, SafetensorError, RuntimeError) as error:
            raise InputError(f"{path} is missing, or holds no {cls.__name__}: check the folder's name.") from error
        return network.eval().requires_grad_(False)
