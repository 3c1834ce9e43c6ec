"""From settings, or a user's module, to an encoder of samples."""

from torch import nn

from contramix.domains.spec import Spec
from contramix.encoders.encoder import Encoder, EncoderSettings, wrap


def build_encoder(settings: EncoderSettings, spec: Spec, module: nn.Module | None = None) -> Encoder:
    """The encoder of a recipe, or a module of the user's, behind the way from samples to its inputs.

    Weights come from torch's global generator.

    Raises
    ------
    InputError
        If it does not take inputs of the specification's shape.
    """
    inputs = spec.inputs()
    encoder = settings.build(inputs) if module is None else wrap(module, inputs)
    return encoder.behind(spec.front(), inputs)
