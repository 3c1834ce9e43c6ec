"""Make Bokeh figures for the page: without toolbar, without colors of their own, and with the same bytes each time.

Colors are in the page's style sheet, for light and dark. The tag of a glyph names its color, ``c0`` to ``c7``, ``ink``
or ``grey``, and the page's script applies it.
"""

import re
from collections.abc import Mapping
from typing import Any

from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import HoverTool, Model
from bokeh.plotting import figure

COLORS = 8
"""Number of colors of lines."""
DASHES = ("solid", "dashed", "dotted")
"""Dash patterns of lines, for more lines than colors."""


def blank(height: int, **how: Any) -> Any:
    """Return an empty figure of full width; ``how`` are further arguments of Bokeh's ``figure``."""
    made = figure(
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        **{"tools": "", "min_border_right": 12, **how},
    )
    made.grid.grid_line_width = 1
    for axis in made.axis:
        axis.minor_tick_line_color = None
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px"
        axis.axis_label_text_font_style = "normal"
    return made


def hover(made: Any, tooltips: list[tuple[str, str]], renderers: list[Any], **how: Any) -> None:
    """Add a tooltip for the glyph under the pointer to a figure."""
    made.add_tools(HoverTool(tooltips=tooltips, renderers=renderers, point_policy="snap_to_data", **how))


def color_of(n: int) -> tuple[str, str]:
    """Return the color tag and the dash pattern of the n-th line."""
    return f"c{n % COLORS}", DASHES[n // COLORS % len(DASHES)]


def not_tex(text: str, letters: int = 24) -> str:
    """Return a user's text as a label, cut to some letters and never read as a formula, which Bokeh would typeset.

    Examples
    --------
    >>> not_tex("$$x$$") == "$$x$$", not_tex("a" * 30)
    (False, 'aaaaaaaaaaaaaaaaaaaaaaa…')
    """
    cut = text if len(text) <= letters else f"{text[: letters - 1]}…"
    return re.sub(r"([$\\])(?=[$\[\]()])", "\\1\u2060", cut)


def as_items(figures: Mapping[str, Model]) -> list[dict[str, Any]]:
    """Return figures as JSON for the page, each with the id of the element it is drawn into."""
    names: dict[str, str] = {}
    return [_renumbered(dict(json_item(model, ID(target))), names) for target, model in figures.items()]


def _renumbered(thing: Any, names: dict[str, str]) -> Any:
    """Renumber the models from 1. Bokeh numbers them over the life of the process, so that pages would differ."""
    if isinstance(thing, dict):
        return {
            key: names.setdefault(value, f"m{len(names) + 1}")
            if key in ("id", "root_id") and isinstance(value, str)
            else _renumbered(value, names)
            for key, value in thing.items()
        }
    return [_renumbered(item, names) for item in thing] if isinstance(thing, list) else thing
