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
"""Descriptions of the kinds of inputs, for error messages."""


class Inputs(NamedTuple):
    """Describe the inputs for which an encoder is built.

    Parameters
    ----------
    shape
        Shape of one sample. For tokens: (maximum length,); for graphs: (number of node features,).
    groups
        For encoded table rows: sizes of the column groups, in order. They sum to the length of the row.
    codes
        For encoded table rows: pairs (position of an element that holds category codes, number of categories).
    mean, std
        For images and series: mean and standard deviation of each channel over the training samples, with which the
        encoder standardizes its inputs. Empty: no standardization.
    kind
        ``"values"`` (one tensor per sample), ``"steps"`` (series), ``"tokens"`` (texts) or ``"graphs"``.
    varying
        For series: whether lengths vary, which requires padding.
    tokens
        For texts: size of the vocabulary, including token 0, which is padding.
    """

    shape: tuple[int, ...]
    groups: tuple[int, ...] = ()
    codes: tuple[tuple[int, int], ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    kind: Kind = "values"
    varying: bool = False
    tokens: int = 0


class Encoder(nn.Module):
    """Map samples to representations with a sequence of named stages, between which samples can be mixed.

    Calling the encoder takes samples as they are stored (such as images in uint8), which the module ``front`` converts
    to inputs of the first stage. ``run`` starts from these inputs, or after any stage.

    Parameters
    ----------
    stages
        Modules by name, in order. Each takes the output of the previous one, a tensor or a ragged batch
        (:data:`contramix.types.Activations`). The last one returns a tensor of shape (B, width).
    width
        Size of the representation.
    first
        First place at which samples may be mixed: ``"input"``, ``"output"``, or the name of the stage before it.
    auto
        Place that the setting ``"auto"`` stands for. None: ``first``.

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
        """Return the names of all cuts (places before, between and after stages): input, the stages, output."""
        return ("input", *self.stages, "output")

    @property
    def cuts(self) -> tuple[str, ...]:
        """Return the names of the cuts (places between stages) at which samples may be mixed, in order."""
        return self.all_cuts[self.all_cuts.index(self.first) :]

    def resolve_cut(self, cut: str) -> str:
        """Return the cut (place between stages) that ``"auto"`` stands for, or any other name unchanged."""
        return self.auto if cut == "auto" else cut

    def position(self, cut: str) -> int:
        """Return the number of stages before a cut, such as 0 for ``"input"`` and 1 for the name of the first stage.

        Raises
        ------
        InputError
            If the encoder has no stage of this name.
        """
        cut = self.resolve_cut(cut)
        if cut == "output":
            return len(self.stages)
        if cut not in self.all_cuts:
            raise InputError(f"the encoder has no stage {cut!r}; {nearest(cut, self.cuts)}")
        return self.all_cuts.index(cut)

    def run(self, x: Activations, start: str = "input", stop: str = "output") -> Activations:
        """Run the stages after ``start`` up to and including ``stop``, on the output ``x`` of the stage ``start``."""
        for stage in list(self.stages.values())[self.position(start) : self.position(stop)]:
            x = stage(x)
        return x

    def forward(self, raw: Batch) -> Float[Tensor, " B d"]:
        """Compute the representation of stored samples."""
        return self.run(self.front(raw))  # type: ignore[return-value]  # the last stage returns a tensor

    def with_front(self, front: Front, inputs: Inputs) -> "Encoder":
        """Set the module that converts stored samples to inputs, and return the encoder itself.

        If ``inputs.mean`` is known, a first stage is inserted that standardizes channels.
        """
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
        """Standardize each channel with the mean and standard deviation of the training samples.

        Channels are axis 1 of a tensor. In a ragged batch they are axis 1 of its values.
        """
        values = get_values(x)
        by_channel = (-1,) + (1,) * (values.dim() - 2)
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        values = (values - mean.reshape(by_channel)) * scale.reshape(by_channel)
        return x.with_values(values) if isinstance(x, RaggedBatch) else values


class EncoderSettings(Settings, ABC):
    """Define the base class of encoder settings. ``takes`` names the kinds of inputs (``Inputs.kind``) it accepts."""

    takes: ClassVar[frozenset[Kind]] = frozenset({"values"})

    @abstractmethod
    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder for the given inputs; its initial weights come from torch's global random generator."""
