"""Test the specification of images: statistics, samples, frontends, and images from Python values."""

import io
import os

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from contramix.domains import DOMAINS
from contramix.domains.image.frontend import ImageFrontend
from contramix.domains.image.reading import read
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.spec import MEASURED_IMAGES, ImageSpec
from contramix.errors import InputError
from contramix.io.options import ReadOptions

RNG = np.random.default_rng(0)
AUTO = ImageSettings()
ARRAY = RNG.integers(0, 256, (50, 3, 12, 10), np.uint8)


def table_of(array):
    return DOMAINS["image"].from_values(array, AUTO).table


def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def test_mean_and_deviation_are_exact():
    spec, notes = ImageSpec.learn(table_of(ARRAY), AUTO)
    scaled = ARRAY / 255
    np.testing.assert_allclose(spec.mean, scaled.mean((0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(spec.std, scaled.std((0, 2, 3)), rtol=1e-12)
    assert (spec.channels, spec.height, spec.width, spec.rows, notes) == (3, 12, 10, 50, ())
    assert spec.inputs().shape == (3, 12, 10)
    assert (spec.inputs().mean, spec.inputs().std) == (spec.mean, spec.std)


def test_the_order_of_rows_does_not_matter():
    table = table_of(RNG.integers(0, 256, (1300, 1, 8, 8), np.uint8))
    turned = table.take(pa.array(RNG.permutation(1300)))
    assert ImageSpec.learn(table, AUTO) == ImageSpec.learn(turned, AUTO)


def test_other_rows_count_where_they_are_given():
    spec, _ = ImageSpec.learn(table_of(ARRAY[:20]), AUTO, extra_rows=table_of(ARRAY[20:]))
    np.testing.assert_allclose(spec.mean, (ARRAY / 255).mean((0, 2, 3)), rtol=1e-13)
    assert spec.rows == 20


def test_a_channel_that_is_the_same_everywhere_becomes_zero():
    array = ARRAY.copy()
    array[:, 1] = 77
    spec, notes = ImageSpec.learn(table_of(array), AUTO)
    assert spec.std[1] == 1e-3
    assert notes == ("channel 1 is the same in all images",)
    x = spec.frontend()(spec.tensorize(table_of(array)))
    assert torch.allclose((x[:, 1] - spec.mean[1]) / spec.std[1], torch.zeros(()), atol=1e-3)


def test_a_specification_survives_json():
    spec, _ = ImageSpec.learn(table_of(ARRAY).append_column("label", pa.array(range(50))), AUTO, "label")
    assert ImageSpec.model_validate_json(spec.model_dump_json()) == spec
    assert (spec.target, spec.left_out) == ("label", ())
    assert spec.kinds == {"image": ["image"]}
    assert spec.summary == "12 x 10 pixels, RGB"


def test_other_columns_are_left_out():
    table = table_of(ARRAY).append_column("id", pa.array(range(50))).append_column("y", pa.array(range(50)))
    assert [(c.name, c.reason) for c in ImageSpec.learn(table, AUTO, "y")[0].left_out] == [
        ("id", "is not the column of images")
    ]


def test_samples_are_the_bytes():
    table = table_of(ARRAY)
    spec, _ = ImageSpec.learn(table, AUTO)
    x = spec.tensorize(table)
    assert x.dtype == torch.uint8
    assert torch.equal(x, torch.from_numpy(ARRAY))
    some = table.filter(pa.array([n % 3 == 0 for n in range(50)])).slice(2, 5)
    assert torch.equal(spec.tensorize(some), torch.from_numpy(ARRAY[::3][2:7].copy()))
    assert torch.equal(spec.tensorize(pa.concat_tables([some, some]))[5:], spec.tensorize(some))
    assert spec.tensorize(table.slice(0, 0)).shape == (0, 3, 12, 10)


def test_a_grey_batch_of_one():
    array = RNG.integers(0, 256, (1, 28, 28), np.uint8)
    table = table_of(array)
    assert torch.equal(ImageSpec.learn(table, AUTO)[0].tensorize(table)[0], torch.from_numpy(array))


def test_the_front_is_the_domains_own():
    front = ImageSpec.learn(table_of(ARRAY), ImageSettings())[0].frontend()
    assert isinstance(front, ImageFrontend)
    assert torch.allclose(front(torch.from_numpy(ARRAY)), torch.from_numpy(ARRAY / 255).float())
    assert front.augment(torch.from_numpy(ARRAY), torch.Generator().manual_seed(0)).shape == ARRAY.shape


def test_images_of_another_size_are_refused_in_one_line():
    spec, _ = ImageSpec.learn(table_of(ARRAY), AUTO)
    with pytest.raises(InputError, match=r"the images are 1 x 12 x 10 .*, the model was trained on 3 x 12 x 10"):
        spec.tensorize(table_of(ARRAY[:, 0]))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": [1]}), "there is no column 'image'"),
        (pa.table({"image": [1]}), "the column 'image' holds int64, not images"),
        (table_of(ARRAY).slice(0, 0), "no images to learn from"),
    ],
)
def test_tables_that_hold_no_images(table, said):
    with pytest.raises(InputError, match=said):
        ImageSpec.learn(table, AUTO)


def test_streamed_statistics_of_very_many_are_of_some(tmp_path, monkeypatch):
    monkeypatch.setattr("contramix.domains.image.spec.MEASURED_IMAGES", 10)
    assert MEASURED_IMAGES == 20_000
    for n in range(30):
        (tmp_path / f"{n:02}.png").write_bytes(png(ARRAY[n].transpose(1, 2, 0)))
    spec, _ = ImageSpec.learn(read(tmp_path, ReadOptions(), AUTO, in_memory_bytes=0).table, AUTO)
    np.testing.assert_allclose(spec.mean, (ARRAY[:30:3] / 255).mean((0, 2, 3)), rtol=1e-13)


# From Python.

LAST = ARRAY.transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    "values",
    [
        ARRAY,
        LAST,
        torch.from_numpy(ARRAY),
        torch.from_numpy(ARRAY).float(),
        torch.from_numpy(ARRAY / 255),
        list(LAST),
        [Image.fromarray(one) for one in LAST],
        [torch.from_numpy(one) for one in ARRAY],
    ],
    ids=["first", "last", "torch", "floats", "unit", "list", "pillow", "tensors"],
)
def test_values(values):
    reading = DOMAINS["image"].from_values(values, AUTO)
    np.testing.assert_array_equal(reading.table.column("image").combine_chunks().to_numpy_ndarray(), ARRAY)
    assert DOMAINS["image"].recognizes_values(values) or isinstance(values, list)


def test_a_list_of_files(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for path, one in zip(paths, LAST):
        path.write_bytes(png(one))
    assert DOMAINS["image"].recognizes_values(paths)
    for given in (paths, [str(path) for path in paths], tuple(os.fsencode(path) for path in paths)):
        table = DOMAINS["image"].from_values(given, AUTO).table
        np.testing.assert_array_equal(table.column("image").combine_chunks().to_numpy_ndarray(), ARRAY[:5])
    paths[3].write_bytes(b"text")
    with pytest.raises(InputError, match=r"list of files: .*3.png: not an image: text"):
        DOMAINS["image"].from_values(paths, AUTO)


def test_values_of_many_sizes_and_like():
    values = [Image.fromarray(LAST[0]), RNG.integers(0, 256, (40, 30), np.uint8), RNG.random((8, 9, 3))]
    reading = DOMAINS["image"].from_values(values, AUTO)
    assert reading.table.column("image").type.shape == [3, 64, 64]
    assert len(reading.notes) == 2
    spec, _ = ImageSpec.learn(table_of(ARRAY), AUTO)
    assert DOMAINS["image"].from_values(values, AUTO, fitted_spec=spec).table.column("image").type.shape == [3, 12, 10]


def test_a_table_that_was_read_and_one_of_bytes():
    table = table_of(ARRAY)
    assert DOMAINS["image"].from_values(table, AUTO).table.equals(table)
    given = pa.table({"image": [png(one) for one in LAST], "y": list(range(50))})
    assert DOMAINS["image"].recognizes_values(given)
    out = DOMAINS["image"].from_values(given, AUTO).table
    np.testing.assert_array_equal(out.column("image").combine_chunks().to_numpy_ndarray(), ARRAY)
    assert out.column("y").to_pylist() == list(range(50))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((3, 4)), "not a shape of images"),
        ([], "give images as an array"),
        (7, "give images as an array"),
        ([object()], "row 1: object is no image"),
        ([LAST[0], np.zeros(3)], "row 2: .* is not a shape of images"),
        ([LAST[0], LAST[0] - 300.0], "row 2: pixels from"),
        (np.full((3, 8, 8), np.nan), "pixels from nan to nan"),
        (pa.table({"x": [1]}), "there is no column 'image'"),
        (pa.table({"image": [b"text"]}), "row 1: not an image: text"),
        (["nowhere.png"], r"nowhere.png: cannot be read \(No such file"),
    ],
)
def test_values_that_are_wrong(values, said):
    with pytest.raises(InputError, match=said):
        DOMAINS["image"].from_values(values, AUTO)


@pytest.mark.parametrize(
    "values", [np.zeros((3, 4)), np.zeros((3, 4, 5)), [1, 2], [], ["a.csv"], "a.png", pa.table({"x": [1]}), None, [[1]]]
)
def test_values_of_others_are_not_claimed(values):
    assert not DOMAINS["image"].recognizes_values(values)


def test_inputs_are_not_changed():
    before = ARRAY.copy()
    DOMAINS["image"].from_values(ARRAY, ImageSettings(size=8, channels=1))
    np.testing.assert_array_equal(ARRAY, before)


def test_settings_are_strict():
    for wrong in ({"size": 4}, {"size": "big"}, {"channels": 2}, {"nothing": 1}):
        with pytest.raises(ValueError, match="validation error"):
            ImageSettings(**wrong)
    assert ImageSettings.model_validate({"size": 32, "channels": 1, "augment": {"flip": 0.0}}).augment.flip == 0
