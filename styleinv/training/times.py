"""Which frames of a clip a discriminator sees: the first, and three more, some span apart (StyleInV, section 3.3)."""

import torch


def sample_times(lengths: torch.Tensor, max_span: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """For clips of `lengths` [B] frames: starts [B] in the clip, and times [B, 4] from the start: 0, o, o + m, o + d.

    The span d is drawn from 2, 4, 8, ... up to `max_span` (the dyadic set that the paper intends), m within it, the
    offset o so that all lie in the clip, and the start among what is left.
    """
    spans = 2 ** torch.arange(1, max_span.bit_length())
    spans = spans[spans <= max_span]
    d = spans[torch.randint(len(spans), lengths.shape)].minimum(lengths - 2)        # [B]
    m = 1 + (torch.rand(lengths.shape) * (d - 1)).long()                            # 1 <= m < d
    start = (torch.rand(lengths.shape) * (lengths - d - 1)).long()                  # [B]
    o = 1 + (torch.rand(lengths.shape) * (lengths - start - d - 1)).long()
    o = o.minimum(lengths - start - d - 1).clamp(min=0)
    return start, torch.stack([torch.zeros_like(o), o, o + m, o + d], dim=1)
