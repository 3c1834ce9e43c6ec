"""What an encoder is: named stages in a row, so that a batch can be stopped, mixed and sent on behind any of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contramix.encoders.frontend import AsStored, Front
from contramix.errors import InputError, nearest
from contramix.samples.samples import Batch
from contramix.settings import Settings
from contramix.types import Activations, Ragged, values_of

Kind = Literal["values", "steps", "tokens", "graphs"]
KINDS: dict[Kind, str] = {
    "values": "a tensor of numbers a sample",
    "steps": "channels x steps a sample, with padding where lengths differ",
    "tokens": "whole numbers that stand for pieces of text, 0 for padding",
    "graphs": "packed graphs",
}
"""What encoders may be fed, by kind, in words."""


class Inputs(NamedTuple):
    """What an encoder must know of its inputs."""

    shape: tuple[int, ...]
    """The shape of one sample: of tokens their number, of graphs the features of a node."""
    groups: tuple[int, ...] = ()
    """For flat vectors: widths of the column groups, in order; they sum to the vector's width."""
    codes: tuple[tuple[int, int], ...] = ()
    """Elements that hold whole-number codes, and how many codes each has."""
    mean: tuple[float, ...] = ()
    """For inputs with channels first: their means among the training samples, by which they are standardised."""
    std: tuple[float, ...] = ()
    """Their standard deviations."""
    kind: Kind = "values"
    varying: bool = False
    """Of steps: whether some samples are padded."""
    tokens: int = 0
    """Of tokens: how many there are, with padding; they are 0 to this number less one."""


class Encoder(nn.Module):
    """Stages run one after the other; ``width`` is the size of the representation that comes out.

    Before them stands the ``front``, which makes inputs of samples as they are stored: called as a module, an encoder
    takes samples, and ``run`` takes inputs.

    Parameters
    ----------
    stages
        Modules by name, in order. Each takes what the one before gives, :data:`contramix.types.Activations`, and the
        last one gives a tensor.
    width
        Of the representation.
    first
        The first cut where something may be mixed.
    auto
        Where it is mixed unless a cut is named; None: at the first.

    Examples
    --------
    >>> import torch
    >>> encoder = Encoder({"first": nn.Linear(3, 4), "second": nn.ReLU()}, width=4)
    >>> x = torch.randn(2, 3)
    >>> half = encoder.run(x, stop="first")
    >>> torch.equal(encoder(x), encoder.run(half, start="first"))
    True
    """

    def __init__(
        self, stages: Mapping[str, nn.Module], width: int, *, first: str = "input", auto: str | None = None
    ) -> None:
        super().__init__()
        self.front: Front = AsStored()
        self.stages = nn.ModuleDict(stages)
        self.width = width
        self.first, self.auto = first, auto or first

    @property
    def places(self) -> tuple[str, ...]:
        """All places between stages, in order."""
        return ("input", *self.stages, "output")

    @property
    def cuts(self) -> tuple[str, ...]:
        """All places where something may be mixed, in order."""
        return self.places[self.places.index(self.first) :]

    def named(self, cut: str) -> str:
        """A cut by its own name: ``"auto"`` is where samples of the kind are mixed unless told otherwise."""
        return self.auto if cut == "auto" else cut

    def position(self, cut: str) -> int:
        """How many stages lie before a cut.

        Raises
        ------
        InputError
            If there is no such cut.
        """
        cut = self.named(cut)
        if cut == "output":
            return len(self.stages)
        if cut not in self.places:
            raise InputError(f"the encoder has no stage {cut!r}; {nearest(cut, self.cuts)}")
        return self.places.index(cut)

    def run(self, x: Activations, start: str = "input", stop: str = "output") -> Activations:
        """Run the stages after the cut ``start`` up to the cut ``stop``."""
        for stage in list(self.stages.values())[self.position(start) : self.position(stop)]:
            x = stage(x)
        return x

    def forward(self, raw: Batch) -> Float[Tensor, " B d"]:
        """The representation of samples."""
        return self.run(self.front(raw))  # type: ignore[return-value]  # the last stage gives a tensor

    def behind(self, front: Front, inputs: Inputs) -> "Encoder":
        """This encoder with a front, and, where channels' statistics are known, a first stage that standardises."""
        self.front = front
        if inputs.mean and "standardise" not in self.stages:
            self.stages = nn.ModuleDict({"standardise": Standardise(inputs.mean, inputs.std), **self.stages})
        return self


class Standardise(nn.Module):
    """Channels to mean 0 and standard deviation 1, by the training samples' statistics."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", 1 / torch.tensor(std, dtype=torch.float32))

    def forward(self, x: Activations) -> Activations:
        """(B, C, ...) to the same shape."""
        values = values_of(x)
        by_channel = (-1,) + (1,) * (values.dim() - 2)
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        values = (values - mean.reshape(by_channel)) * scale.reshape(by_channel)
        return x.replaced(values) if isinstance(x, Ragged) else values


class EncoderSettings(Settings, ABC):
    """Settings of an encoder, which ``build`` turns into one. ``takes`` says what kinds of inputs it can be fed."""

    takes: ClassVar[frozenset[Kind]] = frozenset({"values"})

    @abstractmethod
    def build(self, inputs: Inputs) -> Encoder:
        """Make the encoder for inputs of a kind; weights come from torch's global generator."""
