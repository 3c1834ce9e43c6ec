"""Draw the figures of docs/theory.md as docs/images/theory-*.svg.

python -m bench.pages.draw_theory_figures      # needs chromium and the extras report and test

The regularizers and the errors of the expansions are computed here; the shortcut is drawn from the results of
theory_shortcut.py.
"""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bokeh.embed import file_html
from bokeh.layouts import row
from bokeh.plotting import figure
from bokeh.resources import INLINE
from playwright.sync_api import sync_playwright

from bench import result_lines
from contramix.monitoring.data_rank import eigenvalue_effective_rank, second_moment
from contramix.reproduction.theory import regularizers
from contramix.reproduction.theory.networks import Layers, scalar
from contramix.runtime.randomness import Key

EXPORT_SVG = '() => [...Bokeh.index][0].export("svg").ctx.get_serialized_svg(true)'
"""JavaScript that returns the SVG of the only Bokeh model of a page."""
IMAGES = Path(__file__).parents[2] / "docs" / "images"
MIXUP, GAUSSIAN, PLAIN = "#0072b2", "#d55e00", "#777777"


def blank(title: str, x: str, y: str, **options: Any) -> Any:
    """Return an empty figure that is readable on white and on black."""
    plot = figure(
        width=380,
        height=300,
        title=title,
        x_axis_label=x,
        y_axis_label=y,
        toolbar_location=None,
        tools="",
        output_backend="svg",
        background_fill_color="white",
        **options,
    )
    plot.title.text_font_style = "normal"
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
        axis.minor_tick_line_color = None
    return plot


def regularizer_figure() -> Any:
    """Draw data near a line, and the weights w on which each regularizer has the same value."""
    generator = Key("picture").generator()
    x = torch.randn(50, 2, generator=generator, dtype=torch.float64) @ torch.tensor([[1.0, 0.8], [0.15, -0.2]]).double()
    x = x - x.mean(0)
    moment = second_moment(x)
    rank = eigenvalue_effective_rank(x)
    data = blank(f"The data: effective rank {rank:.2f} of 2", "x1", "x2", x_range=(-4, 4), y_range=(-3.2, 3.2))
    data.scatter(*x.T.numpy(), size=4, color=PLAIN, alpha=0.7)
    plot = blank("Weights w that cost the same", "w1", "w2", x_range=(-4, 4), y_range=(-3.2, 3.2))
    angle = np.linspace(0, 2 * np.pi, 72)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    values, vectors = np.linalg.eigh(moment.numpy())
    for size in (0.5, 1.0):
        ellipse = vectors @ (size / np.sqrt(values)[:, None] * circle)
        plot.line(*ellipse, color=MIXUP, line_width=2, legend_label="mixup: w' S w")
        plot.line(*(size * circle), color=GAUSSIAN, line_width=2, line_dash="dashed", legend_label="Gaussian: |w|²")
    plot.legend.location = "bottom_left"
    return row(data, plot)


def expansion_error_figure() -> Any:
    """Draw the error of each expansion as alpha is halved, on a ReLU network."""
    alphas = np.array(regularizers.ALPHAS)
    key = Key("theory", 2, "ReLU f", 0)
    rows, layers = regularizers.data(key.at("data")), Layers((3, 8, 8, 1), key.at("weights"))
    f = scalar(layers)
    plot = blank("What the expansion leaves over", "alpha", "mean error", x_axis_type="log", y_axis_type="log")
    plot.width = 520
    identity = torch.eye(3, dtype=torch.float64)
    noise = regularizers.mixup(rows)
    for label, views, color, dash, terms in (
        ("mixup, c2 with |x| as printed", noise, PLAIN, "dotted", (regularizers.theorem_expansion, rows, 1)),
        ("mixup, c2 with |x|²", noise, MIXUP, "solid", (regularizers.theorem_expansion, rows, 2)),
        ("Gaussian", regularizers.gaussian, GAUSSIAN, "dashed", (regularizers.second_order_expansion, identity)),
    ):
        x = rows[regularizers.on_linear_piece(layers, rows, views)]
        at = regularizers.Derivatives.compute(f, x, (f(x) > 0).double())
        expansion = partial(terms[0], at, *terms[1:])
        errors = [
            float((regularizers.expected_loss(f, at.x, at.y, a, views) - expansion(a)).abs().mean()) for a in alphas
        ]
        order = float(np.log2(errors[-2] / errors[-1]))
        print(f"{label}: {errors}, order {order:.2f}")
        plot.line(alphas, errors, color=color, line_width=2, line_dash=dash, legend_label=f"{label}: order {order:.2f}")
        plot.scatter(alphas, errors, color=color, size=6)
    plot.legend.location = "top_left"
    plot.y_range.end = 1e4
    return plot


def shortcut_figure() -> Any:
    """Draw the cosine of views and the share of matched images against the number of directions."""
    found = {line["block"]: line for line in result_lines.read("theory-shortcut")}
    plots = []
    for name, measured in found.items():
        title = {"cifar10": "CIFAR-10", "generated": "Generated images"}[name]
        plot = blank(title, "principal directions kept", "", x_axis_type="log", y_range=(0, 1.6))
        k = [line["directions"] for line in measured["by_directions"]]
        for noise, color in (("mixup", MIXUP), ("gaussian", GAUSSIAN)):
            for what, label, dash in (("identified", "matched", "solid"), ("cosine", "cosine", "dotted")):
                values = [line[noise][what] for line in measured["by_directions"]]
                plot.line(k, values, color=color, line_width=2, line_dash=dash, legend_label=f"{noise}: {label}")
        plot.legend.location = "top_left"
        plot.legend.ncols = 2
        plot.legend.label_text_font_size = "8pt"
        plots.append(plot)
    return row(*plots)


def write(plots: dict[str, Any]) -> None:
    """Export each figure as SVG with Bokeh in Chromium."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as library:
        browser = library.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, model in plots.items():
            page = browser.new_page(viewport={"width": 1000, "height": 700})
            page.set_content(file_html(model, resources=INLINE, title=name))
            page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
            svg = page.evaluate(EXPORT_SVG)
            (IMAGES / f"theory-{name}.svg").write_text(svg + "\n")
            print(name, len(svg), "characters")
        browser.close()


if __name__ == "__main__":
    torch.set_num_threads(1)
    write({"regularizers": regularizer_figure(), "orders": expansion_error_figure(), "shortcut": shortcut_figure()})
