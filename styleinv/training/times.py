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


def sample_spans(count: int, frames: int, max_dist: int, dyadic: bool, whole: bool) -> torch.Tensor:
    """Times [count, 4] = 0, o, o + m, o + d in a window of `frames`, as the paper's discriminator sees them.

    Args:
        dyadic: d of 2, 4, 8, ... up to `max_dist`, as the paper intends; else of all from 2 to `max_dist` - 1, as the
            authors' release does.
        whole: whole frames, for real clips; else o is continuous.
    """
    longest = min(frames - 2, max_dist if dyadic else max_dist - 1)
    spans = 2 ** torch.arange(1, longest.bit_length()) if dyadic else torch.arange(2, longest + 1)
    spans = spans[spans <= longest]
    d = spans[torch.randint(len(spans), (count,))]                                  # [count]
    m = 1 + (torch.rand(count) * (d - 1)).long()                                    # 0 < m < d
    o = torch.rand(count) * (frames - d - 1)
    o = o.floor() if whole else o
    return torch.stack([torch.zeros(count), o, o + m, o + d], dim=1)
