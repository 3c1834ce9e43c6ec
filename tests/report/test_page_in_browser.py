"""Test the report in headless Chromium without a network: it draws, reacts, and runs no script of the user's data."""

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)")

# Where a record's point is on the screen, and the values of the map's source: asked from the library itself.
PROBE = """
window.probe = {
  named: (name) => Bokeh.documents.map((d) => d.get_model_by_name(name)).find((m) => m),
  at(i) {
    const view = Bokeh.index.find_one(this.named("map")), { frame } = view, points = this.named("points");
    const box = document.querySelector("#map-figure").getBoundingClientRect();
    return [box.x + frame.x_scale.compute(points.get_column("x")[i]),
            box.y + frame.y_scale.compute(points.get_column("y")[i])];
  },
  all() { return Array.from(this.named("points").get_column("x"), (_, i) => this.at(i)); },
};
"""


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as library:
        browser = library.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(pages, tmp_path_factory) -> Path:
    from contramix.report.page import write

    path = tmp_path_factory.mktemp("report") / "report.html"
    write(path, pages.full())
    return path


class Watched:
    """A page of the report, and what it complained of and asked for."""

    def __init__(self, browser, path: Path, width: int, scheme: str = "light") -> None:
        self.path, self.complaints, self.requests = path, [], []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        self.page.evaluate(PROBE)

    def _note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def check(self) -> None:
        """Nothing went wrong, nothing was asked of the network, and no text of the user ran."""
        assert self.complaints == []
        assert [url for url in self.requests if url != self.path.as_uri()] == []
        assert self.page.evaluate("window.injected") is None


@pytest.fixture(scope="module")
def desk(chromium, report):
    watched = Watched(chromium, report, 1280)
    yield watched
    watched.context.close()


@pytest.fixture
def page(desk):
    """The report on a desk, as it was when it was opened."""
    page = desk.page
    page.mouse.move(0, 0)
    page.check("input[value=pan]")
    page.click("#clear")
    page.click("#whole")
    page.select_option("#color-by", index=0)
    page.locator("#map-figure").scroll_into_view_if_needed()
    yield page
    desk.check()


def lonely(page) -> int:
    """The point that is farthest from all others on the screen."""
    at = np.array(page.evaluate("probe.all()"))
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1) + 1e9 * np.eye(len(at))
    return int(apart.min(1).argmax())


def pixels(image: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(float)


def cells(page, table: str) -> list[list[str]]:
    return [row.locator("td").all_inner_texts() for row in page.locator(f"#{table} tbody tr").all()]


def test_hovering_tells_of_a_record_and_names_stay_text(page, pages):
    i = lonely(page)
    page.mouse.move(*page.evaluate("i => probe.at(i)", i))
    page.locator(".bk-tooltip-row-value").first.wait_for(timeout=5000)
    labels, values = (page.locator(f".bk-tooltip-row-{part}").all_inner_texts() for part in ("label", "value"))
    _, table = pages.table(400)
    record = [table.column(name)[i].as_py() for name in table.column_names]
    assert [label.strip() for label in labels] == ["record:", *(f"{name}:" for name in table.column_names)]
    assert values == [
        str(i + 1),
        *("missing" if v is None else f"{v:g}" if isinstance(v, float) else v for v in record),
    ]
    assert all(name in page.inner_text("body") for name in pages.hostile[:2])
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3


def test_the_neighbors_of_a_record_are_those_of_numpy(page, pages):
    z, table = pages.table(400)
    page.fill("#record", "18")
    page.keyboard.press("Enter")
    distance = np.linalg.norm(z - z[17], axis=1)
    nearest = [j for j in np.argsort(distance) if j != 17][:10]
    shown = cells(page, "neighbors")
    assert [int(row[1]) for row in shown] == [j + 1 for j in nearest]
    assert np.allclose([float(row[2]) for row in shown], distance[nearest], rtol=1e-3)
    assert [row[3] for row in shown] == [table.column("label")[int(j)].as_py() for j in nearest]
    page.fill("#record", "401")
    page.keyboard.press("Enter")
    assert "not on the map" in page.inner_text("#neighbors-status")
    assert cells(page, "neighbors") == []


def test_a_click_chooses_the_record(page):
    i = lonely(page)
    page.mouse.click(*page.evaluate("i => probe.at(i)", i))
    page.wait_for_function(f"document.getElementById('record').value === '{i + 1}'", timeout=5000)
    assert len(cells(page, "neighbors")) == 10
    assert page.inner_text("#selected-status").startswith("1 of 400")


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_dragging_selects_what_is_inside(page, tool):
    page.check(f"input[value={tool}]")
    at = np.array(page.evaluate("probe.all()"))
    (x0, y0), (x1, y1) = np.quantile(at, 0.3, axis=0).round(), np.quantile(at, 0.7, axis=0).round()
    corners = [(x1, y1)] if tool == "box" else [(x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    page.mouse.move(x0, y0)
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
    page.wait_for_function("document.getElementById('selected-status').textContent.includes('of 400')", timeout=5000)
    inside = np.flatnonzero(((at > (x0, y0)) & (at < (x1, y1))).all(1))
    edge = np.flatnonzero((np.abs(at[:, None] - np.array([(x0, y0), (x1, y1)])) < 2).any((1, 2)))
    indices = set(page.evaluate("probe.named('points').selected.indices"))
    assert indices ^ set(inside.tolist()) <= set(edge.tolist())
    assert len(indices) > 5
    assert page.inner_text("#selected-status").startswith(f"{len(indices)} of 400")
    assert [int(row[0]) - 1 for row in cells(page, "selected")] == sorted(indices)[:100]
    page.click("#clear")
    assert page.inner_text("#selected-status") == "Nothing is selected."


def test_color_and_zoom(page, pages):
    figure = page.locator("#map-figure")
    before = pixels(figure.screenshot())
    assert page.locator("#legend button").count() == 3
    page.select_option("#color-by", label="age")
    assert page.locator("#legend button").count() == 0
    assert re.search(r"\d+(\.\d)? or less\s*\d+(\.\d)? or more", page.inner_text("#legend"))
    page.wait_for_timeout(300)
    by_age = pixels(figure.screenshot())
    assert (np.abs(by_age - before).max(-1) > 40).sum() > 1000
    page.select_option("#color-by", label=pages.script)
    assert page.locator("#legend button").count() == 21
    width = "probe.named('map').x_range.end - probe.named('map').x_range.start"
    whole = page.evaluate(width)
    page.click("#zoom-in")
    assert page.evaluate(width) == pytest.approx(0.6 * whole)
    page.click("#whole")
    assert page.evaluate(width) == pytest.approx(whole)


def test_it_can_be_used_by_keyboard(page, pages):
    button = page.locator("#legend button").first
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    count = int(re.search(r"(\d+)$", button.inner_text()).group(1))
    assert count == max(pages.table(400)[1].column("label").to_pylist().count(v) for v in ("a", "b", pages.image))
    assert page.inner_text("#selected-status").startswith(f"{count} of 400")
    unlabelled = "[...document.querySelectorAll('input, select')].filter((e) => !e.labels.length).length"
    assert page.evaluate(unlabelled) == 0


CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
    probe.remove();
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const against = (name, ground) => {
    const [a, b] = [light(name), light(ground)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const texts = ["ink", "muted", "accent", "good", "bad", "neutral"];
  const dots = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
  return [texts.flatMap((t) => ["surface", "page"].map((g) => against(t, g))), dots.map((d) => against(d, "surface"))];
}"""


MUTED = ".getPropertyValue('--muted').trim()"


def legible(page, width: int, scheme: str) -> None:
    """Text and dots stand out, every figure is drawn, and on the right ground."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    texts, dots = page.evaluate(CONTRAST)
    assert min(texts) >= 4.5
    assert min(dots) >= 3
    colors = "[...new Set(Bokeh.documents.map((d) => d.roots()[0].below[0].axis_label_text_color))]"
    assert page.evaluate(colors) == [page.evaluate(f"getComputedStyle(document.documentElement){MUTED}")]
    surface = pixels(page.locator("#training").screenshot())[60, 8]
    assert (surface.mean() < 60) == (scheme == "dark")
    for name in ("comparison-0", "loss", "health-0", "map-figure"):
        image = pixels(page.locator(f"#{name}").screenshot())
        away = np.abs(image - surface).max(-1)
        assert away[2, 2] < 12, name
        assert 0.003 < (away > 60).mean() < 0.5, name


@pytest.mark.parametrize(("width", "schemes"), [(400, ("dark", "light")), (1280, ("light", "dark"))])
def test_it_is_drawn_and_legible_and_follows_the_scheme(chromium, report, width, schemes):
    watched = Watched(chromium, report, width, schemes[0])
    watched.page.keyboard.press("Tab")
    assert watched.page.evaluate("document.activeElement.className") == "skip"
    assert watched.page.locator(".skip").bounding_box()["x"] >= 0
    for scheme in schemes:
        watched.page.emulate_media(color_scheme=scheme)
        watched.page.wait_for_timeout(300)
        legible(watched.page, width, scheme)
    watched.check()
    watched.context.close()


def test_a_page_of_ten_thousand_records_answers(chromium, pages, tmp_path):
    from contramix.report.page import write

    path = tmp_path / "large.html"
    write(path, pages.without(pages.full(10_000), runs=[], evaluation=None))
    assert path.stat().st_size < 4e6
    watched = Watched(chromium, path, 1280)
    watched.page.fill("#record", "9999")
    watched.page.keyboard.press("Enter")
    assert len(cells(watched.page, "neighbors")) == 10
    watched.check()
    watched.context.close()
