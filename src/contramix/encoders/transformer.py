"""Provide a small transformer for texts and series, in which padding has no influence."""

import math

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.samples.padded_sequences import PaddedSequences

_SLOWEST = 1e4
"""Time steps per radian of the slowest wave of the position encoding (Vaswani et al., 2017)."""


class Transformer(EncoderSettings):
    """Configure a pre-norm transformer, which pools the vectors of a text's tokens or a series' time steps.

    The stages are ``embed``, ``block1`` to ``blockN`` and ``pool``. Texts are by default mixed after ``embed``, where
    each token is a vector of mean 0 and variance 1, so that noise has the same relative size at every step. In a
    mixture of a long and a short text, the steps after the end of the short one count in attention and pooling with the
    weight of the long one only. The representation has size 2 * ``width``.

    Parameters
    ----------
    width
        Size of each step's vector. It must be a multiple of ``heads``.
    layers, heads
        Number of blocks, and of attention heads in each.
    hidden
        Size of a block's hidden layer, as a multiple of ``width``.
    dropout
        Dropout rate on the output of each sublayer. If no noise is used, dropout is what makes the two views of a text
        differ, as in SimCSE.

    Examples
    --------
    >>> encoder = Transformer(width=32).build(Inputs((16,), kind="tokens", tokens=100)).eval()
    >>> encoder.cuts, encoder.width
    (('embed', 'block1', 'block2', 'pool', 'output'), 64)
    >>> padded = torch.tensor([[7, 8, 0, 0], [5, 6, 7, 8]])
    >>> torch.allclose(encoder(padded)[:1], encoder(padded[:1, :2]), atol=1e-6)
    True
    """

    takes = frozenset({"tokens", "steps"})

    width: int = Field(default=128, ge=2, le=4096)
    layers: int = Field(default=2, ge=1, le=48)
    heads: int = Field(default=4, ge=1, le=128)
    hidden: int = Field(default=2, ge=1, le=8)
    dropout: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _divides(self) -> "Transformer":
        if self.width % self.heads or self.width % 2:
            what = {"width": self.width, "path": ("heads",)}
            raise PydanticCustomError("heads", "must divide the width, {width}, which must be even", what)
        return self

    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder, with newly initialized weights, for texts or for series, depending on ``inputs.kind``."""
        tokens = inputs.kind == "tokens"
        stages: dict[str, nn.Module] = {
            "embed": EmbedTokens(inputs.tokens, self.width) if tokens else EmbedSteps(inputs.shape[0], self.width)
        }
        for number in range(1, self.layers + 1):
            stages[f"block{number}"] = Block(self.width, self.heads, self.hidden * self.width, self.dropout)
        stages["pool"] = Pool(self.width)
        return Encoder(stages, 2 * self.width, first="embed" if tokens else "input")


class EmbedTokens(nn.Module):
    """Embed token ids as vectors, add a position encoding, and normalize each vector. Id 0 is padding.

    On the CPU a batch is trimmed to its longest text, which saves time and does not change the result. On a GPU it is
    not, because this would force a synchronization.
    """

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, width)

    def forward(self, ids: Int[Tensor, " B L"]) -> PaddedSequences:
        """Embed token ids of shape (B, L), and return padded sequences of vectors with at most L steps."""
        there = ids != 0
        if ids.device.type == "cpu":
            steps = there.any(0).nonzero()
            there = there[:, : int(steps[-1]) + 1 if len(steps) else 1]
        vectors = self.table(ids[:, : there.shape[1]])
        return _with_positions(vectors, there.to(vectors.dtype))


class EmbedSteps(nn.Module):
    """Map the channels of each time step to a vector with a linear layer, add a position encoding, and normalize it."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, width)

    def forward(self, x: PaddedSequences | Float[Tensor, " B C L"]) -> PaddedSequences:
        """Embed series of shape (B, C, L), with or without padding, and return padded sequences (B, L, width)."""
        values, presence = (x.values, x.presence) if isinstance(x, PaddedSequences) else (x, torch.ones_like(x[:, 0]))
        return _with_positions(self.linear(values.transpose(1, 2)), presence)


def _with_positions(vectors: Float[Tensor, " B L w"], presence: Float[Tensor, " B L"]) -> PaddedSequences:
    """Add the position encoding to each step's vector, and normalize the sum to mean 0 and variance 1.

    ``presence`` is the padding mask: 1 at the steps of a sequence and 0 in padding.
    """
    steps, width = vectors.shape[1:]
    values = layer_norm(vectors + position_encoding(steps, width, vectors.device), (width,))
    return PaddedSequences(values, presence).with_values(values)


def position_encoding(steps: int, width: int, device: torch.device | str = "cpu") -> Float[Tensor, " L w"]:
    """Return the sinusoidal position encoding of Vaswani et al. (2017): a vector of size ``width`` per step."""
    waves = torch.arange(0, width, 2, device=device) / width
    angle = torch.arange(steps, device=device)[:, None] * torch.exp(-math.log(_SLOWEST) * waves)
    return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """Apply pre-norm self-attention and a pre-norm two-layer MLP, each with a residual connection."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: PaddedSequences) -> PaddedSequences:
        """Apply the block to padded sequences; shape and padding stay the same."""
        h = x.values
        h = h + self.dropout(self._attended(self.norm1(h), x.presence))
        return x.with_values(h + self.dropout(self.mlp(self.norm2(h))))

    def _attended(self, h: Float[Tensor, " B L w"], presence: Float[Tensor, " B L"]) -> Float[Tensor, " B L w"]:
        query, key, value = self.project(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=log_presence(presence)[:, None, None])
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


def log_presence(presence: Float[Tensor, " B L"]) -> Float[Tensor, " B L"]:
    """Return the logarithm of a soft padding mask, to be added to attention logits.

    ``presence`` is 1 at the steps of a sequence and 0 in padding, where the result is -inf. In mixtures it can lie
    between 0 and 1. For a sequence that consists of padding only, the result is 0 at all steps, to avoid NaN.
    """
    tiny = torch.finfo(presence.dtype).tiny
    logs = torch.where(presence > 0, presence.clamp(min=tiny).log(), -math.inf)
    return logs.masked_fill((presence == 0).all(1, keepdim=True), 0.0)


class Pool(nn.Module):
    """Apply LayerNorm to the vectors of each sequence, and concatenate their mean and maximum over steps.

    The mean is weighted with the soft padding mask ``presence``. The logarithm of this mask is added before the maximum
    is taken, so that padding is never the maximum.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: PaddedSequences) -> Float[Tensor, " B e"]:
        """Pool padded sequences over steps: (B, L, width) to (B, 2 width)."""
        x = x.map(self.norm)
        largest = (x.values + log_presence(x.presence)[:, :, None]).amax(1)
        return torch.cat([x.mean(), largest], 1)
