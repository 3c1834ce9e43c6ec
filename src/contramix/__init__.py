"""Learn representations from unlabeled data by mixing samples.

>>> from contramix import ContrastiveEncoder
>>> encoder = ContrastiveEncoder("imix-npair", epochs=20, random_state=0)
"""

import gc
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contramix.errors import ContramixWarning, InputError, RunError
    from contramix.estimators.classifier import ContrastiveClassifier
    from contramix.estimators.encoder import ContrastiveEncoder, load
    from contramix.estimators.regressor import ContrastiveRegressor
    from contramix.models.pretrained import Pretrained
    from contramix.recipe import Recipe

__all__ = [
    "ContramixWarning",
    "ContrastiveClassifier",
    "ContrastiveEncoder",
    "ContrastiveRegressor",
    "InputError",
    "Pretrained",
    "Recipe",
    "RunError",
    "load",
]

# Modules are imported on first access, so that the command line's help does not import torch.
_MODULES = {
    "ContramixWarning": "errors",
    "ContrastiveClassifier": "estimators.classifier",
    "ContrastiveEncoder": "estimators.encoder",
    "ContrastiveRegressor": "estimators.regressor",
    "InputError": "errors",
    "Pretrained": "models.pretrained",
    "Recipe": "recipe",
    "RunError": "errors",
    "load": "estimators.encoder",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("contramix")
    if name in _MODULES:
        collecting = gc.isenabled()
        gc.disable()  # objects made by imports stay alive; collecting garbage takes a fifth of the import time
        try:
            return getattr(import_module(f"contramix.{_MODULES[name]}"), name)
        finally:
            if collecting:
                gc.enable()
    raise AttributeError(f"module 'contramix' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
