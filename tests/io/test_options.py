"""Test values of reading options that are rejected."""

import pytest

from contramix.errors import InputError
from contramix.io.tables.reading import ReadOptions


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"delimiter": ",,"}, "`delimiter`"),
        ({"delimiter": "\n"}, "`delimiter`"),
        ({"delimiter": "€"}, "`delimiter`"),
        ({"decimal": "'"}, "`decimal`"),
        ({"decimal": ",", "delimiter": ","}, "`decimal` and `delimiter`"),
        ({"encoding": "utf-9"}, "`encoding"),
        ({"encoding": "hex"}, "`encoding"),
    ],
)
def test_options_that_cannot_be(given, words):
    with pytest.raises(InputError, match=words):
        ReadOptions(**given)


def test_options_of_a_wrong_type():
    options = ReadOptions()  # set behind the back of the type checks that run with the tests
    object.__setattr__(options, "missing", "-9")
    options.__post_init__()
    assert options.missing == ("", "-9")
    object.__setattr__(options, "on_bad_rows", "warn")
    with pytest.raises(InputError, match="`on_bad_rows"):
        options.__post_init__()
