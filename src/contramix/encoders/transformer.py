"""A small transformer for texts and other sequences, in which padding has no influence."""

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
"""Steps a radian of the slowest wave of a place (Vaswani et al., 2017)."""


class Transformer(EncoderSettings):
    """Pre-norm transformer blocks, then mean and maximum over the steps; stages ``embed``, ``block1`` to ``blockN``,
    ``pool``.

    Texts are mixed behind ``embed``, where each token is a vector of mean 0 and variance 1, so that noise of one size
    means the same at every step. A step that is there in part, as in a mixture of a long text with a short one, is
    attended to and pooled by that part. Twice the width comes out.

    Parameters
    ----------
    width
        Of each step's vector; ``heads`` divides it.
    layers, heads
        Blocks, and attention heads of each.
    hidden
        Width of a block's hidden layer, in widths.
    dropout
        Of what each block adds. Where there is no noise it alone makes two views of a text (SimCSE).

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
        """Inputs are tokens, or steps of some channels."""
        tokens = inputs.kind == "tokens"
        stages: dict[str, nn.Module] = {
            "embed": EmbedTokens(inputs.tokens, self.width) if tokens else EmbedSteps(inputs.shape[0], self.width)
        }
        for number in range(1, self.layers + 1):
            stages[f"block{number}"] = Block(self.width, self.heads, self.hidden * self.width, self.dropout)
        stages["pool"] = Pool(self.width)
        return Encoder(stages, 2 * self.width, first="embed" if tokens else "input")


class EmbedTokens(nn.Module):
    """A vector for each token and its place; token 0 is padding.

    On the CPU a batch is trimmed to its longest text, which changes nothing but the time it takes; a GPU would have to
    be waited for.
    """

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, width)

    def forward(self, ids: Int[Tensor, " B L"]) -> PaddedSequences:
        """(B, L) to vectors of at most L steps."""
        there = ids != 0
        if ids.device.type == "cpu":
            steps = there.any(0).nonzero()
            there = there[:, : int(steps[-1]) + 1 if len(steps) else 1]
        vectors = self.table(ids[:, : there.shape[1]])
        return _placed(vectors, there.to(vectors.dtype))


class EmbedSteps(nn.Module):
    """A vector for each step of some channels and its place."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, width)

    def forward(self, x: PaddedSequences | Float[Tensor, " B C L"]) -> PaddedSequences:
        """(B, C, L), with padding or without, to (B, L, width)."""
        values, presence = (x.values, x.presence) if isinstance(x, PaddedSequences) else (x, torch.ones_like(x[:, 0]))
        return _placed(self.linear(values.transpose(1, 2)), presence)


def _placed(vectors: Float[Tensor, " B L w"], presence: Float[Tensor, " B L"]) -> PaddedSequences:
    """Vectors with their places added, each brought to mean 0 and variance 1."""
    steps, width = vectors.shape[1:]
    values = layer_norm(vectors + places(steps, width, vectors.device), (width,))
    return PaddedSequences(values, presence).replaced(values)


def places(steps: int, width: int, device: torch.device | str = "cpu") -> Float[Tensor, " L w"]:
    """A vector for each place: sines and cosines of it, of slower and slower waves."""
    waves = torch.arange(0, width, 2, device=device) / width
    angle = torch.arange(steps, device=device)[:, None] * torch.exp(-math.log(_SLOWEST) * waves)
    return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """Self-attention and two layers at each step, both added to what comes in and fed with its standard score."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: PaddedSequences) -> PaddedSequences:
        """Steps to as many steps."""
        h = x.values
        h = h + self.dropout(self._attended(self.norm1(h), x.presence))
        return x.replaced(h + self.dropout(self.mlp(self.norm2(h))))

    def _attended(self, h: Float[Tensor, " B L w"], presence: Float[Tensor, " B L"]) -> Float[Tensor, " B L w"]:
        query, key, value = self.project(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=log_presence(presence)[:, None, None])
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


def log_presence(presence: Float[Tensor, " B L"]) -> Float[Tensor, " B L"]:
    """What is added to attention's logits, so that a key's weight is times its presence; a text without any step
    attends to all alike, and nothing of it is left afterwards."""
    tiny = torch.finfo(presence.dtype).tiny
    logs = torch.where(presence > 0, presence.clamp(min=tiny).log(), -math.inf)
    return logs.masked_fill((presence == 0).all(1, keepdim=True), 0.0)


class Pool(nn.Module):
    """The mean over the steps, and the largest value of each feature, side by side.

    A step counts in the mean by its presence, and in the largest value less what the attention's logits lose by it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: PaddedSequences) -> Float[Tensor, " B e"]:
        """(B, L, width) to (B, 2 width); 0 for a text without any step."""
        x = x.map(self.norm)
        largest = (x.values + log_presence(x.presence)[:, :, None]).amax(1)
        return torch.cat([x.mean(), largest], 1)
