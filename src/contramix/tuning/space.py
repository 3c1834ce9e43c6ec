"""Define the search space: settings of a recipe, grouped into dimensions.

To add a dimension, write a function that chooses its settings, and add one line to ``DIMENSIONS``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from contramix.errors import InputError, nearest
from contramix.noise.mixup import MixupNoise
from contramix.recipe import Recipe

if TYPE_CHECKING:
    from optuna import Trial

DIGITS = 3
"""Number of significant digits to which drawn numbers are rounded."""


class Choices:
    """Choose the settings of one trial with Optuna, or the recipe's own settings if there is no trial.

    Each range includes the recipe's own value, so that the unchanged recipe can be a trial.

    Parameters
    ----------
    recipe
        Recipe whose settings are searched.
    cuts
        Names of the cuts (layer outputs where samples can be mixed) of the recipe's encoder, in order.
    trial
        Optuna trial that draws the values; None for the recipe's own values.

    Attributes
    ----------
    settings
        Chosen values by dotted name, such as ``{"noise.rate": 0.2}``, as :meth:`Recipe.load` accepts them.
    drawn
        The same choices by the name of their Optuna parameter, such as ``{"noise.rate (drop)": 0.2}``. For a value that
        is chosen from a list by :meth:`choose_option`, it holds the value's name in that list, as text.
    """

    def __init__(self, recipe: Recipe, cuts: Sequence[str], trial: "Trial | None" = None) -> None:
        self.recipe, self.cuts, self._trial = recipe, cuts, trial
        self.settings: dict[str, Any] = {}
        self.drawn: dict[str, Any] = {}

    def choose_option(self, name: str, options: Mapping[str, Any], of: str = "") -> str:
        """Choose one of several values for a setting, store it in ``settings``, and return its label.

        Parameters
        ----------
        name
            Dotted name of the setting, such as ``"noise.views"``.
        options
            Values to choose from, by label. The recipe's own value is added.
        of
            ``kind`` of the recipe section for which the setting is chosen, such as ``"marginal"`` for ``noise.views``.
            A recipe whose section has another kind has no own value. Empty if the setting does not depend on the kind.
        """
        own, options = self._own(name, of), dict(options)
        if own is not None and own not in options.values():
            options[own if isinstance(own, str) else "as it is"] = own
        label = next((label for label, value in options.items() if value == own), "")
        if self._trial is not None:
            label = str(self._trial.suggest_categorical(_parameter_name(name, of), list(options)))
        self.settings[name], self.drawn[_parameter_name(name, of)] = options[label], label
        return label

    def choose_number(self, name: str, low: float, high: float, of: str = "", log: bool = False) -> None:
        """Choose a number for a setting, and store it in ``settings``.

        Parameters
        ----------
        name
            Dotted name of the setting, such as ``"noise.rate"``.
        low, high
            Range of the number, which is extended to include the recipe's own value.
        of
            ``kind`` of the recipe section for which the setting is chosen, such as ``"drop"`` for ``noise.rate``. A
            recipe whose section has another kind has no own value. Empty if the setting does not depend on the kind.
        log
            Whether to draw on a logarithmic scale.
        """
        value = own = self._own(name, of)
        if own is not None:
            low, high = min(low, own), max(high, own)
        if self._trial is not None:
            value = self._trial.suggest_float(_parameter_name(name, of), low, high, log=log)
        self.drawn[_parameter_name(name, of)] = value
        self.settings[name] = value if value == own else float(f"{value:.{DIGITS}g}")

    def _own(self, name: str, of: str) -> Any:
        section, _, setting = name.partition(".")
        found: Mapping[str, Any] = self.recipe.to_dict()[section]
        return found.get(setting) if not of or found.get("kind") == of else None


def _parameter_name(name: str, of: str) -> str:
    return f"{name} ({of})" if of else name


def _noise(c: Choices) -> None:
    kinds = [kind for kind in STRENGTHS if kind != "none" or c.recipe.imix]
    kind = c.choose_option("noise.kind", {kind: kind for kind in kinds})
    c.settings["noise.cut"] = c.recipe.noise.cut
    STRENGTHS.get(kind, _skip_strength)(c)


def _skip_strength(c: Choices) -> None:
    """Leave the settings unchanged, for a kind of noise that has no strength to choose."""


def _marginal(c: Choices) -> None:
    c.choose_number("noise.rate", 0.1, 0.8, "marginal")
    c.choose_option("noise.views", {"one": "one", "both": "both"}, "marginal")


def _mixup(c: Choices) -> None:
    options = {names: MixupNoise.model_validate({"operators": names.split("+")}) for names in OPERATORS}
    chosen = c.choose_option("noise.operators", {n: m.model_dump()["operators"] for n, m in options.items()}, "mixup")
    c.choose_number("noise.alpha", 0.2, 0.9, "mixup")
    if "binary" in chosen or chosen == "as it is":
        c.choose_number("noise.keep_prob", 0.4, 0.9, "mixup")


OPERATORS = ("linear", "geometric", "binary", "linear+geometric+binary")

STRENGTHS: dict[str, Callable[[Choices], None]] = {
    "none": _skip_strength,
    "drop": lambda c: c.choose_number("noise.rate", 0.05, 0.7, "drop"),
    "marginal": _marginal,
    "gaussian": lambda c: c.choose_number("noise.std", 0.05, 1.0, "gaussian", log=True),
    "mixup": _mixup,
}
"""Kinds of noise to try, with the functions that choose their strengths. Only recipes with i-Mix try ``none``."""


def _temperature(c: Choices) -> None:
    c.choose_number("method.temperature", 0.05, 2.0, log=True)


def _alpha(c: Choices) -> None:
    c.choose_number("imix.alpha", 0.2, 16.0, log=True)
    c.choose_option("imix.fold", {"yes": True, "no": False})


def _width(c: Choices) -> None:
    own = c.recipe.to_dict()["encoder"]["width"]
    c.choose_option("encoder.width", {str(width): width for width in (max(1, own // 2), own, 2 * own)})


def _cut(c: Choices) -> None:
    # Queries are mixed at or after the cut of the noise, which is the input by default. The last cut, the output,
    # equals the one before.
    first = max(c.cuts.index(cut) if cut in c.cuts else 0 for cut in c.recipe.noise.cut) if c.recipe.imix else 0
    places = tuple(c.cuts[first:-1]) or c.cuts[-1:]
    options = {place: (place,) for place in places} | ({"all": places} if places[1:] else {})
    c.choose_option("imix.cut" if c.recipe.imix else "noise.cut", options)


class Dimension(NamedTuple):
    """Describe a dimension of the search: a group of settings that are chosen together.

    Parameters
    ----------
    words
        Display name, such as ``"kind of noise and its strength"``.
    exists
        Function that returns whether a recipe has these settings.
    choose
        Function that chooses the settings and stores them in a :class:`Choices`.
    """

    words: str
    exists: Callable[[Recipe], bool]
    choose: Callable[[Choices], None]


DIMENSIONS: dict[str, Dimension] = {
    "noise": Dimension("kind of noise and its strength", lambda r: True, _noise),
    "temperature": Dimension("temperature", lambda r: "temperature" in r.to_dict()["method"], _temperature),
    "alpha": Dimension("i-Mix's weight law", lambda r: r.imix is not None, _alpha),
    "width": Dimension("width of the encoder", lambda r: "width" in r.to_dict()["encoder"], _width),
    "cut": Dimension("where it is mixed", lambda r: True, _cut),
}
"""Dimensions by name, in the order in which their settings are chosen."""


def dimensions(recipe: Recipe, names: Sequence[str] | None = None) -> list[str]:
    """Return the names of the dimensions to search, such as ``["noise", "temperature"]``.

    ``names`` are the requested dimensions; None for all that the recipe has.

    Raises
    ------
    InputError
        If a name is unknown, the recipe does not have a requested dimension, or no dimension is left to search.
    """
    known = [name for name, dimension in DIMENSIONS.items() if dimension.exists(recipe)]
    for name in names or ():
        if name not in DIMENSIONS:
            raise InputError(f"`search` {name}: not known; {nearest(name, DIMENSIONS)}")
        if name not in known:
            raise InputError(
                f"`search` {name}: recipe {recipe.name} has no {DIMENSIONS[name].words}; it has {', '.join(known)}"
            )
    found = [name for name in known if names is None or name in names]
    if not found:
        raise InputError(f"`search`: nothing to search; give some of {', '.join(known)}")
    return found


def choose(recipe: Recipe, names: Sequence[str], cuts: Sequence[str], trial: "Trial | None" = None) -> Choices:
    """Choose the settings of a trial in the named dimensions; without a trial, take the recipe's own settings.

    Parameters
    ----------
    recipe
        Recipe whose settings are searched.
    names
        Names of the dimensions.
    cuts
        Names of the cuts (layer outputs where samples can be mixed) of the recipe's encoder, in order.
    trial
        Optuna trial that draws the values; None for the recipe's own values.

    Examples
    --------
    >>> recipe = Recipe.load("imix-npair", {"noise.rate": 0.3})
    >>> own = choose(recipe, ["noise", "alpha"], ["input", "layer1", "output"])
    >>> own.settings["noise.rate"], Recipe.load(recipe, own.settings) == recipe
    (0.3, True)
    """
    choices = Choices(recipe, cuts, trial)
    for name in names:
        DIMENSIONS[name].choose(choices)
    return choices
