"""From settings, or a user's module, to an encoder of samples."""

from torch import nn

from contramix.domains.spec import Spec
from contramix.encoders import ENCODERS
from contramix.encoders.encoder import KINDS, Encoder, EncoderSettings
from contramix.encoders.user_module import wrap
from contramix.errors import InputError
from contramix.registry import kind_of


def build_encoder(settings: EncoderSettings, spec: Spec, module: nn.Module | None = None) -> Encoder:
    """The encoder of a recipe, or a module of the user's, behind the way from samples to its inputs.

    Weights come from torch's global generator.

    Raises
    ------
    InputError
        If it does not take inputs of the specification's shape.
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
