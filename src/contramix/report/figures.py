"""Make Bokeh figures for the report page: without toolbar, and with the same bytes for the same data.

Colors are not set here but in the page's style sheet, for light and dark mode. The tag of a glyph names its color
(``c0`` to ``c7``, ``ink`` or ``grey``), and the page's script applies it.
"""

import re
from collections.abc import Mapping
from typing import Any

from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import HoverTool, Model
from bokeh.plotting import figure

COLORS = 8
"""Number of line colors."""
DASHES = ("solid", "dashed", "dotted")
"""Dash patterns, which tell lines of the same color apart."""


def make_figure(height: int, **how: Any) -> Any:
    """Return an empty Bokeh figure of the given height in pixels that fills the width of the page.

    ``how`` are further keyword arguments of Bokeh's ``figure``.
    """
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


def add_tooltip(made: Any, tooltips: list[tuple[str, str]], renderers: list[Any], **how: Any) -> None:
    """Add a tooltip to a figure: it describes the glyph under the mouse pointer.

    Parameters
    ----------
    made
        Bokeh figure, which is modified.
    tooltips
        Pairs of a label and a Bokeh template, such as ``("name", "@name")``.
    renderers
        Renderers of the glyphs that have the tooltip.
    how
        Further keyword arguments of Bokeh's ``HoverTool``.
    """
    made.add_tools(HoverTool(tooltips=tooltips, renderers=renderers, point_policy="snap_to_data", **how))


def line_style(n: int) -> tuple[str, str]:
    """Return the color and the dash pattern of line ``n``, counted from 0, such as ``("c2", "solid")`` for 2.

    The color is a tag from ``"c0"`` to ``"c7"``, which the style sheet of the report page maps to a color. Lines of the
    same color differ in their dash pattern.
    """
    return f"c{n % COLORS}", DASHES[n // COLORS % len(DASHES)]


def escape_tex(text: str, letters: int = 24) -> str:
    """Truncate a text to at most ``letters`` characters, and keep Bokeh from typesetting it as a TeX formula.

    An invisible character (U+2060) is inserted into formula delimiters such as ``$$``.

    Examples
    --------
    >>> escape_tex("$$x$$") == "$$x$$", escape_tex("a" * 30)
    (False, 'aaaaaaaaaaaaaaaaaaaaaaa…')
    """
    cut = text if len(text) <= letters else f"{text[: letters - 1]}…"
    return re.sub(r"([$\\])(?=[$\[\]()])", "\\1\u2060", cut)


def figures_as_json(figures: Mapping[str, Model]) -> list[dict[str, Any]]:
    """Convert Bokeh figures to JSON objects, which the script of the report page draws.

    ``figures`` maps the id of an HTML element to the figure that is drawn in it. Each object is what Bokeh's
    ``json_item`` returns, with new ids of the models: the same figures always give the same JSON.
    """
    names: dict[str, str] = {}
    return [_renumbered(dict(json_item(model, ID(target))), names) for target, model in figures.items()]


def _renumbered(thing: Any, names: dict[str, str]) -> Any:
    """Return a JSON value in which the ids of Bokeh models are replaced with ``m1``, ``m2`` and so on.

    Bokeh numbers models over the lifetime of the process, so that its ids differ between runs. ``names`` maps Bokeh's
    ids to the new ones. Ids that are not in it yet are added.
    """
    if isinstance(thing, dict):
        return {
            key: names.setdefault(value, f"m{len(names) + 1}")
            if key in ("id", "root_id") and isinstance(value, str)
            else _renumbered(value, names)
            for key, value in thing.items()
        }
    return [_renumbered(item, names) for item in thing] if isinstance(thing, list) else thing
