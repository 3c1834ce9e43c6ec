"""Provide what the tests of readers share: files in a temporary folder, and checks of what reading them gives."""

import pytest

from contramix.errors import InputError, printable
from contramix.io.tables.reading import ReadOptions, read


@pytest.fixture
def written():
    """Return a function that writes a file into a folder and returns its path."""

    def write(folder, content, name="table.csv"):
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def csv_file(tmp_path, written):
    """Return a function that writes a file into the test's folder and returns its path."""
    return lambda content, name="table.csv": written(tmp_path, content, name)


@pytest.fixture
def one_line_error():
    """Return a function that reads a file, and checks that the error is one printable line that has given words."""

    def check(path, *words, **options):
        with pytest.raises(InputError) as caught:
            read(path, ReadOptions(**options))
        message = str(caught.value)
        assert message.isprintable()
        assert printable(path) in message
        for word in words:
            assert word in message, message
        return message

    return check


@pytest.fixture
def cells():
    """Return a function that reads a file and returns its columns as lists."""
    return lambda path, **options: read(path, ReadOptions(**options)).table.to_pydict()
