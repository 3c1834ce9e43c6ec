"""Build encoders from settings, or from a PyTorch module that the user gives."""

from torch import nn

from contramix.domains.spec import Spec
from contramix.encoders import ENCODERS
from contramix.encoders.encoder import KINDS, Encoder, EncoderSettings
from contramix.encoders.user_module import wrap
from contramix.errors import InputError
from contramix.registry import kind_of


def build_encoder(settings: EncoderSettings, spec: Spec, module: nn.Module | None = None) -> Encoder:
    """Build the encoder of a recipe, or wrap a PyTorch module of the user as an encoder.

    The encoder begins with the transform from stored samples to network inputs, such as that from audio to a log-mel
    spectrogram. Initial weights are drawn from torch's global generator.

    Parameters
    ----------
    settings
        Encoder settings of the recipe. They are ignored if a module is given.
    spec
        Specification of the data, which determines the shape of the inputs.
    module
        PyTorch module of the user; None: build the recipe's encoder.

    Raises
    ------
    InputError
        If the encoder cannot take inputs of this kind or shape.
    """
    inputs = spec.inputs()
    if module is None and inputs.kind not in settings.takes:
        fitting = [name for name, other in ENCODERS.items() if inputs.kind in other.takes]
        raise InputError(
            f"encoder {kind_of(settings, ENCODERS)!r} does not take {inputs.kind} ({KINDS[inputs.kind]}); "
            f"take {' or '.join(map(repr, fitting))}, or a module of your own"
        )
    encoder = settings.build(inputs) if module is None else wrap(module, inputs)
    return encoder.with_front(spec.frontend(), inputs)
