"""Any image model of timm, if timm is installed."""

from importlib import import_module

from pydantic import Field

from contramix.encoders.convolution import channels
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.user_module import wrap
from contramix.errors import InputError, printable


class TimmModel(EncoderSettings):
    """A model of timm by its name, without its classifier and with first weights; one stage, ``module``.

    Parameters
    ----------
    name
        As ``timm.list_models()`` gives it, such as ``"resnet18"`` or ``"convnext_atto"``.
    """

    name: str = Field(min_length=1)

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs are (channels, height, width), of a size that the model takes.

        Raises
        ------
        InputError
            If they are not, timm is not installed, or it knows no such model.
        """
        into = channels(inputs, "timm")
        try:
            timm = import_module("timm")
        except Exception as error:  # it may also be there and not go with this torch
            raise InputError(f"encoder 'timm' needs timm (pip install timm): {_reason(error)}") from error
        try:
            module = timm.create_model(self.name, pretrained=False, num_classes=0, in_chans=into)
        except Exception as error:
            raise InputError(f"encoder 'timm', model {printable(self.name, 80)!r}: {_reason(error)}") from error
        return wrap(module, inputs)


def _reason(error: Exception) -> str:
    return printable(str(error).partition("\n")[0], 200)
