"""Provide the image models of the package timm as encoders."""

from importlib import import_module

from pydantic import Field

from contramix.encoders.convolution import channels
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.user_module import wrap
from contramix.errors import InputError, first_line, printable


class TimmModel(EncoderSettings):
    """Configure a timm image model, with random weights and without its classifier, as the single stage ``module``.

    Parameters
    ----------
    name
        Name of the model as in ``timm.list_models()``, such as ``"resnet18"`` or ``"convnext_atto"``.
    """

    name: str = Field(min_length=1)

    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder, with new random weights, for images or spectrograms of a size that the model accepts.

        Raises
        ------
        InputError
            If ``inputs.shape`` is not (channels, height, width), timm is not installed, timm has no model of this
            name, or the model does not accept the size of the inputs.
        """
        into = channels(inputs, "timm")
        try:
            timm = import_module("timm")
        except Exception as error:  # an installed timm may also be incompatible with this torch
            raise InputError(f"encoder 'timm' needs timm (pip install timm): {first_line(error, 200)}") from error
        try:
            module = timm.create_model(self.name, pretrained=False, num_classes=0, in_chans=into)
        except Exception as error:
            raise InputError(f"encoder 'timm', model {printable(self.name, 80)!r}: {first_line(error, 200)}") from error
        return wrap(module, inputs)
