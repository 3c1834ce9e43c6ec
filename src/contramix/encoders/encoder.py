"""What an encoder is: named stages in a row, so that a batch can be stopped, mixed and sent on behind any of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from contramix.encoders.front import AsStored, Front
from contramix.errors import InputError, nearest
from contramix.settings import Settings


class Inputs(NamedTuple):
    """What an encoder must know of its inputs."""

    shape: tuple[int, ...]
    """The shape of one sample."""
    groups: tuple[int, ...] = ()
    """For flat vectors: widths of the column groups, in order; they sum to the vector's width."""
    codes: tuple[tuple[int, int], ...] = ()
    """Elements that hold whole-number codes, and how many codes each has."""
    mean: tuple[float, ...] = ()
    """For inputs with channels first: their means among the training samples, by which they are standardised."""
    std: tuple[float, ...] = ()
    """Their standard deviations."""


class Encoder(nn.Module):
    """Stages run one after the other; ``width`` is the size of the representation that comes out.

    Before them stands the ``front``, which makes inputs of samples as they are stored: called as a module, an encoder
    takes samples, and ``run`` takes inputs.

    Examples
    --------
    >>> import torch
    >>> encoder = Encoder({"first": nn.Linear(3, 4), "second": nn.ReLU()}, width=4)
    >>> x = torch.randn(2, 3)
    >>> half = encoder.run(x, stop="first")
    >>> torch.equal(encoder(x), encoder.run(half, start="first"))
    True
    """

    def __init__(self, stages: Mapping[str, nn.Module], width: int) -> None:
        super().__init__()
        self.front: Front = AsStored()
        self.stages = nn.ModuleDict(stages)
        self.width = width

    @property
    def cuts(self) -> tuple[str, ...]:
        """All places where something may be mixed, in order."""
        return ("input", *self.stages, "output")

    def position(self, cut: str) -> int:
        """How many stages lie before a cut.

        Raises
        ------
        InputError
            If there is no such cut.
        """
        if cut == "output":
            return len(self.stages)
        if cut not in self.cuts:
            raise InputError(f"the encoder has no stage {cut!r}; {nearest(cut, self.cuts)}")
        return self.cuts.index(cut)

    def run(self, x: Float[Tensor, " B *s"], start: str = "input", stop: str = "output") -> Float[Tensor, " B *t"]:
        """Run the stages after the cut ``start`` up to the cut ``stop``."""
        for stage in list(self.stages.values())[self.position(start) : self.position(stop)]:
            x = stage(x)
        return x

    def forward(self, raw: Shaped[Tensor, " B *r"]) -> Float[Tensor, " B d"]:
        """The representation of samples."""
        return self.run(self.front(raw))

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

    def forward(self, x: Float[Tensor, " B C *s"]) -> Float[Tensor, " B C *s"]:
        """(B, C, ...) to the same shape."""
        by_channel = (-1,) + (1,) * (x.dim() - 2)
        mean, scale = self.get_buffer("mean"), self.get_buffer("scale")
        return (x - mean.reshape(by_channel)) * scale.reshape(by_channel)


class EncoderSettings(Settings, ABC):
    """Settings of an encoder, which ``build`` turns into one."""

    @abstractmethod
    def build(self, inputs: Inputs) -> Encoder:
        """Make the encoder for inputs of a kind; weights come from torch's global generator."""


def wrap(module: nn.Module, inputs: Inputs) -> Encoder:
    """Make an encoder of any module: of a Sequential's children, named as there; else one stage, ``module``.

    Raises
    ------
    InputError
        If it does not turn a batch of the inputs into one vector a sample.
    """
    if isinstance(module, Encoder):
        return module
    # A Sequential with a forward of its own is one stage. Not named_children: it leaves out a child's second use.
    sequential = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    children = module._modules.items() if sequential else ()
    stages = {_stage_name(n): m for n, m in children if m is not None}
    encoder = Encoder(stages or {"module": module}, 0)
    parameter = next(module.parameters(), torch.zeros(()))
    was_training = module.training
    try:
        with torch.no_grad():
            out = torch.zeros(2, *inputs.shape, device=parameter.device)
            for stage in encoder.eval().stages.values():
                out = stage(out)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"the encoder does not take inputs of shape {inputs.shape}: {reason}") from error
    if not isinstance(out, Tensor):
        raise InputError(f"the encoder must give one vector a sample, not {type(out).__name__}")
    if out.dim() != 2 or len(out) != 2:
        raise InputError(f"the encoder must give one vector a sample; for 2 samples it gives {tuple(out.shape)}")
    encoder.width = out.shape[1]
    return encoder.train(was_training)


def _stage_name(name: str) -> str:
    """A child's own name, unless it is a number, a cut's, or one that torch's containers use themselves."""
    free = not name.isdigit() and name not in ("input", "output") and not hasattr(nn.ModuleDict, name)
    return name if free else f"stage{name}"
