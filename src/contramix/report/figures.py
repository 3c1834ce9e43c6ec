"""Bokeh figures as the page takes them: without toolbar or colours of their own, and the same bytes each time.

Colours stand in the page's style sheet, for light and dark. A glyph's tag names its colour, ``c0`` to ``c7``, ``ink``
or ``grey``; the page's script paints it.
"""

import re
from collections.abc import Mapping
from typing import Any

from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import HoverTool, Model
from bokeh.plotting import figure

COLOURS = 8
DASHES = ("solid", "dashed", "dotted")


def blank(height: int, **how: Any) -> Any:
    """An empty figure as wide as its place."""
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
    """What is told of the glyph under the pointer."""
    made.add_tools(HoverTool(tooltips=tooltips, renderers=renderers, point_policy="snap_to_data", **how))


def colour_of(n: int) -> tuple[str, str]:
    """The tag and the dash of the n-th line."""
    return f"c{n % COLOURS}", DASHES[n // COLOURS % len(DASHES)]


def not_tex(text: str, letters: int = 24) -> str:
    """A text of the user for a label: cut, and never taken for a formula, which Bokeh would typeset, or fail to.

    Examples
    --------
    >>> not_tex("$$x$$") == "$$x$$", not_tex("a" * 30)
    (False, 'aaaaaaaaaaaaaaaaaaaaaaa…')
    """
    cut = text if len(text) <= letters else f"{text[: letters - 1]}…"
    return re.sub(r"([$\\])(?=[$\[\]()])", "\\1\u2060", cut)


def as_items(figures: Mapping[str, Model]) -> list[dict[str, Any]]:
    """Figures as JSON for the page, each with the id of the element it is drawn into."""
    names: dict[str, str] = {}
    return [_renamed(dict(json_item(model, ID(target))), names) for target, model in figures.items()]


def _renamed(thing: Any, names: dict[str, str]) -> Any:
    """Bokeh counts its models over the life of the process; here they are counted from 1, so pages do not differ."""
    if isinstance(thing, dict):
        return {
            key: names.setdefault(value, f"m{len(names) + 1}")
            if key in ("id", "root_id") and isinstance(value, str)
            else _renamed(value, names)
            for key, value in thing.items()
        }
    return [_renamed(item, names) for item in thing] if isinstance(thing, list) else thing
