"""Define encoders as sequences of named stages, so that a batch can be mixed between any two of them."""

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
from contramix.types import Activations, RaggedBatch, get_values

Kind = Literal["values", "steps", "tokens", "graphs"]
KINDS: dict[Kind, str] = {
    "values": "one tensor of numbers per sample",
    "steps": "channels x steps per sample, padded where lengths vary",
    "tokens": "integer token ids, 0 for padding",
    "graphs": "packed graphs",
}
"""Descriptions of the kinds of inputs, for messages."""


class Inputs(NamedTuple):
    """Describe the inputs for which an encoder is built."""

    shape: tuple[int, ...]
    """Shape of one sample. For tokens: their number; for graphs: the number of node features."""
    groups: tuple[int, ...] = ()
    """For flat vectors: sizes of the column groups, in order. They sum to the size of the vector."""
    codes: tuple[tuple[int, int], ...] = ()
    """Pairs of an element that holds integer codes and its number of codes."""
    mean: tuple[float, ...] = ()
    """For inputs with channels first: channel means over the training samples, used for standardization."""
    std: tuple[float, ...] = ()
    """Channel standard deviations over the training samples."""
    kind: Kind = "values"
    varying: bool = False
    """For steps: whether lengths vary, so that samples are padded."""
    tokens: int = 0
    """For tokens: size of the vocabulary, including the padding token 0."""


class Encoder(nn.Module):
    """Run named stages in sequence, from inputs to a representation of size ``width``.

    The ``front`` module first turns stored samples into inputs: calling the encoder as a module takes samples, while
    ``run`` takes inputs or activations.

    Parameters
    ----------
    stages
        Modules by name, in order. Each takes the output of the one before (:data:`contramix.types.Activations`), and
        the last returns a tensor.
    width
        Size of the representation.
    first
        First cut at which samples may be mixed.
    auto
        Cut used for ``"auto"``. None: the first one.

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
    def all_cuts(self) -> tuple[str, ...]:
        """Return the names of all cuts between stages, in order, with ``"input"`` and ``"output"``."""
        return ("input", *self.stages, "output")

    @property
    def cuts(self) -> tuple[str, ...]:
        """Return the names of the cuts at which samples may be mixed, in order."""
        return self.all_cuts[self.all_cuts.index(self.first) :]

    def resolve_cut(self, cut: str) -> str:
        """Return the name of a cut, with ``"auto"`` replaced by the encoder's default cut."""
        return self.auto if cut == "auto" else cut

    def position(self, cut: str) -> int:
        """Return the number of stages before a cut.

        Raises
        ------
        InputError
            If the encoder has no such cut.
        """
        cut = self.resolve_cut(cut)
        if cut == "output":
            return len(self.stages)
        if cut not in self.all_cuts:
            raise InputError(f"the encoder has no stage {cut!r}; {nearest(cut, self.cuts)}")
        return self.all_cuts.index(cut)

    def run(self, x: Activations, start: str = "input", stop: str = "output") -> Activations:
        """Run the stages between the cuts ``start`` and ``stop``."""
        for stage in list(self.stages.values())[self.position(start) : self.position(stop)]:
            x = stage(x)
        return x

    def forward(self, raw: Batch) -> Float[Tensor, " B d"]:
        """Compute the representation of stored samples."""
        return self.run(self.front(raw))  # type: ignore[return-value]  # the last stage returns a tensor

    def with_front(self, front: Front, inputs: Inputs) -> "Encoder":
        """Set the front, prepend a stage that standardizes channels if statistics are known, and return self."""
        self.front = front
        if inputs.mean and "standardise" not in self.stages:
            self.stages = nn.ModuleDict({"standardise": Standardize(inputs.mean, inputs.std), **self.stages})
        return self


class Standardize(nn.Module):
    """Standardize channels to mean 0 and standard deviation 1 with the training samples' statistics."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", 1 / torch.tensor(std, dtype=torch.float32))

    def forward(self, x: Activations) -> Activations:
        """Standardize a batch of shape (B, C, ...)."""
        values = get_values(x)
        by_channel = (-1,) + (1,) * (values.dim() - 2)
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        values = (values - mean.reshape(by_channel)) * scale.reshape(by_channel)
        return x.with_values(values) if isinstance(x, RaggedBatch) else values


class EncoderSettings(Settings, ABC):
    """Hold the settings of an encoder; ``build`` turns them into one, for the input kinds in ``takes``."""

    takes: ClassVar[frozenset[Kind]] = frozenset({"values"})

    @abstractmethod
    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder for given inputs, with weights drawn from torch's global generator."""
