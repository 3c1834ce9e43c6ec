"""Draw the map of representations: points that can be zoomed, selected and recolored, with tooltips."""

from typing import Any

import numpy as np
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    LassoSelectTool,
    LinearColorMapper,
    PanTool,
    Range1d,
    TapTool,
    WheelZoomTool,
)
from bokeh.palettes import Viridis256

from contramix.report.figures import add_tooltip, make_figure
from contramix.report.map import Map
from contramix.report.scales import Scale, choose_scale, format_value

TOOLTIP_COLUMNS = 8
"""Maximum number of columns in a tooltip; tables below the map show all columns."""


def draw(the_map: Map) -> tuple[Any, dict[str, Any]]:
    """Draw a map as a Bokeh figure, and return it with a dictionary that the script of the report page needs.

    The keys of the dictionary are ``columns`` (names of the columns), ``neighbors`` (number of neighbors of each
    point), ``scales`` (color legend of each column), ``ramp`` (colors of continuous scales) and ``sheet`` (small
    pictures of the records, or None).

    The data source ``points`` of the figure has the columns ``x``, ``y``, ``record`` (row number from 1), ``k0, k1,
    ...`` (values of each column as text), ``code0, code1, ...`` (color codes of these values), and ``n0, n1, ...`` and
    ``d0, d1, ...`` (each neighbor's position among the points, and its distance).
    """
    names = list(the_map.columns)
    scales = [choose_scale(values) for values in the_map.columns.values()]
    source = ColumnDataSource(_data(the_map, scales), name="points")
    x_range, y_range = (_range(the_map.xy[:, n]) for n in (0, 1))
    made = make_figure(
        540,
        name="map",
        x_range=x_range,
        y_range=y_range,
        x_axis_label=the_map.axes[0] or None,
        y_axis_label=the_map.axes[1] or None,
        min_border_right=4,
    )
    made.axis.major_label_text_font_size = "0px"
    made.axis.major_tick_line_color = None
    points = made.scatter(
        "x",
        "y",
        source=source,
        name="dots",
        size=6 if len(the_map.rows) < 2000 else 4,
        fill_color={
            "field": "code0" if names else "record",
            "transform": LinearColorMapper(name="colors", palette=["grey"]),
        },
        line_color=None,
        fill_alpha=0.8,
        selection_fill_alpha=1.0,
        nonselection_fill_alpha=0.12,
    )
    near = ColumnDataSource({"x": [], "y": [], "size": []}, name="near")
    rings = made.scatter("x", "y", source=near, size="size", fill_color=None, line_width=2, nonselection_line_alpha=1.0)
    for ring in (rings.glyph, rings.nonselection_glyph):
        ring.tags = ["ink"]
    made.add_tools(
        PanTool(name="pan"),
        BoxSelectTool(name="box", renderers=[points]),
        LassoSelectTool(name="lasso", renderers=[points], continuous=False),
        TapTool(renderers=[points]),
        WheelZoomTool(modifiers={"ctrl": True}),
    )
    add_tooltip(
        made,
        [("record", "@record"), *((name, f"@k{n}") for n, name in enumerate(names[:TOOLTIP_COLUMNS]))],
        [points],
        limit=1,
    )
    k = the_map.neighbors.shape[1]
    legends = [_without_codes(scale) for scale in scales]
    sheet = None if the_map.pictures is None else the_map.pictures._asdict()
    return made, {"columns": names, "neighbors": k, "scales": legends, "ramp": Viridis256, "sheet": sheet}


def _data(the_map: Map, scales: list[Scale]) -> dict[str, Any]:
    small = np.uint16 if len(the_map.rows) <= 2**16 else np.int32
    data: dict[str, Any] = {"x": the_map.xy[:, 0], "y": the_map.xy[:, 1], "record": the_map.rows.astype(np.int32) + 1}
    for n, values in enumerate(the_map.columns.values()):
        data[f"k{n}"] = [format_value(value) for value in values]
        data[f"code{n}"] = scales[n].codes
    for n in range(the_map.neighbors.shape[1]):
        data[f"n{n}"] = the_map.neighbors[:, n].astype(small)
        data[f"d{n}"] = the_map.distances[:, n]
    return data


def _range(x: np.ndarray) -> Range1d:
    low, high = float(x.min()), float(x.max())
    margin = 0.04 * (high - low) or 1.0
    return Range1d(start=low - margin, end=high + margin)


def _without_codes(scale: Scale) -> dict[str, Any]:
    return {key: value for key, value in scale._asdict().items() if key != "codes"}
