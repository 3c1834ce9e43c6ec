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

# Names are found when asked for, so that the command line's help imports no torch.
_PLACE = {
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
    if name in _PLACE:
        collecting = gc.isenabled()
        gc.disable()  # what imports make stays, and looking for garbage among it takes a fifth of their time
        try:
            return getattr(import_module(f"contramix.{_PLACE[name]}"), name)
        finally:
            if collecting:
                gc.enable()
    raise AttributeError(f"module 'contramix' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
