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
        For encoded table rows: sizes of the column groups, which are consecutive ranges of the row's elements. They sum
        to the length of the row.
    codes
        For encoded table rows: one pair per column of integer category codes, (position of the code in the row, number
        of categories).
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

    Calling the encoder takes samples as they are stored (such as images in uint8). The module ``front`` converts them
    to inputs of the first stage. The method ``run`` takes such inputs, or the output of any stage, and runs the
    remaining stages, or some of them. Places before, between and after stages are called cuts.

    Parameters
    ----------
    stages
        Modules by name, in order. Each takes the output of the previous one, a tensor or a ragged batch
        (:data:`contramix.types.Activations`). The last one returns a tensor of shape (B, width).
    width
        Size of the representation.
    first
        First cut at which samples may be mixed: ``"input"``, ``"output"``, or the name of a stage, which means after
        this stage.
    auto
        Cut that is used if the settings of noise and mixing say ``"auto"``. None: the cut ``first``.

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
        """Return the names of all cuts (places before, between and after stages), in order.

        They are ``"input"``, the name of each stage (the place after it), and ``"output"``.
        """
        return ("input", *self.stages, "output")

    @property
    def cuts(self) -> tuple[str, ...]:
        """Return the names of the cuts at which samples may be mixed, in order: ``first`` and all cuts after it."""
        return self.all_cuts[self.all_cuts.index(self.first) :]

    def resolve_cut(self, cut: str) -> str:
        """Return the name of the encoder's default cut if ``cut`` is ``"auto"``; return any other name unchanged."""
        return self.auto if cut == "auto" else cut

    def position(self, cut: str) -> int:
        """Return the number of stages that run before a cut: 0 for ``"input"``, 1 for the name of the first stage.

        For ``"auto"`` it is the position of the encoder's default cut, and for ``"output"`` the number of all stages.

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
        """Run the stages after ``start`` up to and including ``stop``, and return the output of the last one.

        ``start`` and ``stop`` are names of cuts. ``x`` is the output of the stage ``start``, or the input of the first
        stage if ``start`` is ``"input"``.
        """
        for stage in list(self.stages.values())[self.position(start) : self.position(stop)]:
            x = stage(x)
        return x

    def forward(self, raw: Batch) -> Float[Tensor, " B d"]:
        """Convert stored samples to inputs with ``front``, run all stages, and return one representation per sample."""
        return self.run(self.front(raw))  # type: ignore[return-value]  # the last stage returns a tensor

    def with_front(self, front: Front, inputs: Inputs) -> "Encoder":
        """Set the module ``front``, which converts stored samples to inputs, and return the encoder itself.

        If ``inputs.mean`` is not empty, a first stage ``standardise`` is inserted, which standardizes channels with
        ``inputs.mean`` and ``inputs.std``.
        """
        self.front = front
        if inputs.mean and "standardise" not in self.stages:
            self.stages = nn.ModuleDict({"standardise": Standardize(inputs.mean, inputs.std), **self.stages})
        return self


class Standardize(nn.Module):
    """Standardize channels: subtract each channel's ``mean`` over the training samples, and divide by its ``std``."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", 1 / torch.tensor(std, dtype=torch.float32))

    def forward(self, x: Activations) -> Activations:
        """Standardize each channel with the mean and standard deviation of the training samples.

        Channels are axis 1 of ``x`` if it is a tensor, and axis 1 of ``x.values`` if it is a ragged batch.
        """
        values = get_values(x)
        by_channel = (-1,) + (1,) * (values.dim() - 2)
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        values = (values - mean.reshape(by_channel)) * scale.reshape(by_channel)
        return x.with_values(values) if isinstance(x, RaggedBatch) else values


class EncoderSettings(Settings, ABC):
    """Define the base class of the settings of an encoder, whose method ``build`` makes the encoder.

    ``takes`` is the set of kinds of inputs (``Inputs.kind``) that the encoder accepts: ``"values"``, ``"steps"``,
    ``"tokens"`` or ``"graphs"``.
    """

    takes: ClassVar[frozenset[Kind]] = frozenset({"values"})

    @abstractmethod
    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder for the given inputs; its initial weights come from torch's global random generator."""
