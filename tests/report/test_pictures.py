"""Test that pictures of records lie on one sheet in the order of the map's points, and that the page shows them."""

import base64
import io
import shutil

import numpy as np
import pytest

from contramix import ContrastiveEncoder
from contramix.report.map import embed_map
from contramix.report.page import ReportData, write
from contramix.report.pictures import SIDES, draw_sheet

Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


def fitted(x):
    small = {"encoder.width": 2, "noise.kind": "none"}
    return ContrastiveEncoder("npair", epochs=1, batch_size=4, random_state=0, overrides=small).fit(x)


@pytest.fixture(scope="module")
def colored():
    """Twelve images of one color each."""
    colors = np.random.default_rng(0).integers(0, 256, (12, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(colors, (12, 16, 16, 3)).copy()


@pytest.fixture(scope="module")
def model(colored):
    return fitted(colored)


def pixels(sheet):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.uri.partition(",")[2]))))


def test_each_picture_stands_at_its_place(model, colored):
    table = model._read_table(colored, model.model_)
    sheet = draw_sheet(model.model_, table)
    assert (sheet.side, sheet.across, sheet.rows) == (SIDES[1], 4, 3)
    shown = pixels(sheet)
    assert shown.shape == (3 * 48, 4 * 48, 3)
    for n, image in enumerate(colored):
        top, left = 48 * (n // 4), 48 * (n % 4)
        middle = shown[top + 8 : top + 40, left + 8 : left + 40].reshape(-1, 3).mean(0)
        assert np.abs(middle - image[0, 0]).max() < 6  # JPEG loses a little


@pytest.mark.parametrize("lengths", [(30, 30, 30, 30), (30, 12, 300, 1)])
def test_series_are_drawn_as_curves(lengths):
    ramps = [(1 - 2 * (n % 2)) * np.arange(length, dtype=float)[None] for n, length in enumerate(lengths)]
    model = fitted(ramps)
    sheet = draw_sheet(model.model_, model._read_table(ramps, model.model_))
    shown = pixels(sheet)
    assert shown.shape == (2 * 48, 2 * 48)
    for n, length in enumerate(lengths):
        dark = shown[48 * (n // 2) :, 48 * (n % 2) :][:48, :48] < 100
        for column in range(3, 45) if length > 1 else ():
            rows = np.flatnonzero(dark[:, column])
            wanted = column if n % 2 else 47 - column  # falling, or rising
            assert len(rows)
            assert np.abs(rows - wanted).max() <= 2


def test_rows_of_a_table_are_no_pictures():
    x = np.random.default_rng(0).normal(size=(8, 3))
    model = ContrastiveEncoder("npair", epochs=1, batch_size=4, random_state=0, overrides={"encoder.width": 4}).fit(x)
    assert draw_sheet(model.model_, model._read_table(x, model.model_)) is None


def test_a_map_of_a_sample_shows_the_sampled_records(model, colored):
    table = model._read_table(colored, model.model_)
    made = embed_map(model.model_, table, most=5)
    assert (made.pictures.across, made.pictures.rows) == (3, 2)
    shown = pixels(made.pictures)
    for n, row in enumerate(made.rows):
        top, left = 48 * (n // 3), 48 * (n % 3)
        assert np.abs(shown[top + 24, left + 24].astype(int) - colored[row, 0, 0]).max() < 10


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)")
def test_the_page_shows_them_beside_the_neighbors(model, colored, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    table = model._read_table(colored, model.model_)
    write(tmp_path / "report.html", ReportData("images", "command", None, [], embed_map(model.model_, table)))
    complaints = []
    with playwright.sync_playwright() as library:
        browser = library.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        assert page.locator("#neighbors .picture").count() == 10
        own = page.locator("#neighbors-status .picture")
        assert own.get_attribute("aria-label") == "record 1"
        box = own.bounding_box()
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        seen = np.array(shot.getpixel((int(box["x"] + 24), int(box["y"] + 24))))
        browser.close()
    assert complaints == []
    assert np.abs(seen - colored[0, 0, 0]).max() < 10
