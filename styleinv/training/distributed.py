"""The processes that train together: one, several GPUs or several machines, by accelerate.

Every process draws the same random numbers for the whole batch and works on its own rows of it, so that any number of
processes, and any number of parts of gradient accumulation, take the same steps. What networks draw themselves, the
noise of their layers, differs from part to part. There is no wrapper around networks: gradients are averaged before
each step of an optimiser.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from accelerate import Accelerator


class Workers:
    """See above; without an accelerator, this process alone, on the CPU."""

    def __init__(
        self,
        accelerator: "Accelerator | None" = None,   # of accelerate
        grad_accum: int = 1,                        # gradient accumulation: a step's batch in so many parts
    ):
        self.accelerator, self.grad_accum = accelerator, grad_accum
        self.count = accelerator.num_processes if accelerator else 1
        self.rank = accelerator.process_index if accelerator else 0
        self.device = accelerator.device if accelerator else torch.device("cpu")

    @property
    def is_main(self) -> bool:
        """This process writes the files."""
        return self.rank == 0

    def shard(self, batch: Any, part: int = 0) -> Any:
        """This process's shard of one part of a batch, a tensor or what else can be indexed: every so-many-th."""
        own = batch[self.rank + self.count * part :: self.count * self.grad_accum]
        return own.to(self.device) if torch.is_tensor(own) else own

    def average(self, x: torch.Tensor) -> torch.Tensor:
        """Mean over the processes."""
        return x if self.accelerator is None or self.count == 1 else self.accelerator.reduce(x.contiguous(), "mean")

    @torch.no_grad()
    def average_buffers(self, network: nn.Module) -> None:
        """Running statistics of batch norm become their mean over the processes, each of which saw its own rows."""
        if self.count > 1:
            self._become_means([buffer for buffer in network.buffers() if buffer.is_floating_point()])

    def broadcast(self, state: Any) -> Any:
        """The main process's state, on all processes: a nest of tensors and plain values."""
        if self.count == 1:
            return state
        from accelerate.utils import broadcast_object_list, send_to_device
        return broadcast_object_list([send_to_device(state, "cpu")])[0]

    def any(self, flag: bool) -> bool:
        """Whether one of the processes says so."""
        return flag if self.count == 1 else bool(self.average(torch.tensor(float(flag), device=self.device)) > 0)

    def autocast(self) -> AbstractContextManager:
        """The accelerator's mixed precision, for networks that do not choose it themselves."""
        return self.accelerator.autocast() if self.accelerator else nullcontext()

    def step(self, optimizer: torch.optim.Optimizer, loss: Callable[[int], torch.Tensor]) -> torch.Tensor:
        """One step by the mean over all parts and processes of `loss(part)`, which is returned. NaNs count as zero."""
        optimizer.zero_grad(set_to_none=True)
        total, seed = torch.zeros((), device=self.device), int(torch.randint(2**48, ()))
        for part in range(self.grad_accum):
            with self._own_draws(seed + self.rank + self.count * part):
                own = loss(part) / self.grad_accum
            own.backward()
            total += own.detach()
        self._become_means([p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None])
        optimizer.step()
        return self.average(total)

    @contextmanager
    def _own_draws(self, seed: int) -> Iterator[None]:
        """Random numbers of this part alone; afterwards all processes go on alike."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    def _become_means(self, tensors: list[torch.Tensor]) -> None:
        """Each tensor becomes its mean over the processes; what is not finite, a large number or zero."""
        together = self.average(torch.cat([x.flatten() for x in tensors]))
        together = torch.nan_to_num(together, nan=0.0, posinf=1e5, neginf=-1e5)
        for x, part in zip(tensors, together.split([x.numel() for x in tensors])):
            x.copy_(part.view_as(x))

    def log(self, figures: dict[str, float], step: int) -> None:
        """Pass figures on to the accelerator's trackers, if it has any."""
        if self.accelerator and self.accelerator.trackers:
            self.accelerator.log(figures, step=step)

    def barrier(self) -> None:
        """Until all processes are here."""
        if self.accelerator and self.count > 1:
            self.accelerator.wait_for_everyone()
