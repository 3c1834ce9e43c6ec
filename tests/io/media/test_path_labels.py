"""Test splits and labels that are encoded in file names."""

import pytest

from contramix.io.media.path_labels import infer_splits_and_labels


def names(*folders):
    return [f"{folder}/{n}.png" if folder else f"{n}.png" for n, folder in enumerate(folders)]


@pytest.mark.parametrize(
    ("folders", "parts", "labels"),
    [
        (["cat", "dog", "cat"], None, ["cat", "dog", "cat"]),
        (["data/x/cat", "data/x/dog"], None, ["cat", "dog"]),
        (["train/cat", "train/dog", "test/cat"], ["train", "train", "test"], ["cat", "dog", "cat"]),
        (["d/Training/a", "d/Validation/b", "d/TESTING/a"], ["train", "valid", "test"], ["a", "b", "a"]),
        (["train", "val"], ["train", "valid"], None),
        (["train/images/cat", "test/images/dog"], ["train", "test"], ["cat", "dog"]),
        (["train/cat", "train/dog"], None, ["cat", "dog"]),  # all share the folder: it says nothing
        (["train/cat", "cat"], None, None),  # ragged
        (["train", "test", "cat"], None, ["train", "test", "cat"]),  # not all are parts: they are classes
        (["val/cat", "test/dog"], None, None),  # no training part
        (["cat/a", "dog"], None, None),
        (["cat", ""], None, None),
        (["", ""], None, None),
        (["cat", "cat"], None, None),  # one folder says nothing
        (["train/cat", "test"], ["train", "test"], None),  # no fake classes where some have none
        ([], None, None),
    ],
)
def test_layouts(folders, parts, labels):
    assert infer_splits_and_labels(names(*folders)) == (parts, labels)
