"""Find and verify the official files of well-known data sets.

Nothing is downloaded. A name such as ``cifar10`` selects the official files in a data folder, which is given by the
caller or by the environment variable ``CONTRAMIX_DATA``.
"""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from contramix.errors import InputError

DATA_DIR = "CONTRAMIX_DATA"
"""Name of the environment variable with the path of the folder of official files."""
_BLOCK = 1 << 20
"""Number of bytes that are read at once for a checksum."""


@dataclass(frozen=True)
class Official:
    """Describe the official files of a data set: where they are published, their names and their checksums.

    Parameters
    ----------
    url
        Address where the files are published.
    either
        Alternative archives, any one of which is enough, as pairs of file name and published checksum, such as
        ``("cifar-10-python.tar.gz", "md5:c58f...")``.
    all_of
        Files that are all needed, as pairs of file name without ``.gz`` and checksum of the uncompressed content.
    """

    url: str
    either: tuple[tuple[str, str], ...] = ()
    all_of: tuple[tuple[str, str], ...] = ()


OFFICIAL: dict[str, Official] = {
    "cifar10": Official(
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        either=(
            ("cifar-10-python.tar.gz", "md5:c58f30108f718f92721af3b95e74349a"),
            ("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530"),
        ),
    ),
    "cifar100": Official(
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        either=(
            ("cifar-100-python.tar.gz", "md5:eb9058c3a382ffc7106e4002c42a8d85"),
            ("cifar-100-binary.tar.gz", "md5:03b5dce01913d631647c71ecec9e9cb8"),
        ),
    ),
    "fashion-mnist": Official(
        "https://github.com/zalandoresearch/fashion-mnist",
        all_of=(
            ("train-images-idx3-ubyte", "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            ("train-labels-idx1-ubyte", "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            ("t10k-images-idx3-ubyte", "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            ("t10k-labels-idx1-ubyte", "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ),
    ),
    "speech-commands-v0.01": Official(
        "http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
        either=(
            (
                "speech_commands_v0.01.tar.gz",
                "sha256:743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
            ),
        ),
    ),
    "speech-commands-v0.02": Official(
        "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        either=(
            (
                "speech_commands_v0.02.tar.gz",
                "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            ),
        ),
    ),
}
"""Official files, by the names of data sets that commands accept."""


def find_data(data: Path, data_dir: Path | None = None) -> Path:
    """Replace the name of a well-known data set by the path of its verified official files; return other paths as is.

    Parameters
    ----------
    data
        Path of the user's own data, or the name of a data set: a key of ``OFFICIAL``, such as ``cifar10``. If a file or
        folder of that name exists, it is taken as the user's own data.
    data_dir
        Folder that holds the official files, directly or in a subfolder with the data set's name. None: the folder that
        the environment variable ``CONTRAMIX_DATA`` names.

    Returns
    -------
    Path
        ``data`` itself for the user's own data. For a named data set, its archive, or the folder with its files.

    Raises
    ------
    InputError
        If no folder of official files is given, or the files of the data set are missing from it, cannot be read, or
        have other checksums than the official ones.
    """
    known = OFFICIAL.get(str(data))
    if known is None or data.exists():
        return data
    root = data_root(data_dir)
    wanted = " or ".join(name for name, _ in known.either) or ", ".join(f"{name}.gz" for name, _ in known.all_of)
    if root is None:
        raise InputError(f"{data}: say where {wanted} lies: `data_dir=DIR`, or {DATA_DIR}; it is from {known.url}")
    for folder in (root, root / str(data), root / str(data).replace("-", "_")):
        for name, checksum in known.either:
            if (folder / name).is_file():
                _verify(folder / name, checksum)
                return folder / name
        files = [find_file_or_gz(folder / name) for name, _ in known.all_of]
        if files and all(files):
            for file, (_, checksum) in zip(files, known.all_of):
                _verify(Path(str(file)), checksum, unpack=True)
            return folder
    raise InputError(f"{data}: there is no {wanted} in {root}; get it from {known.url}")


def data_root(data_dir: Path | None) -> Path | None:
    """Return ``data_dir``, or if it is None the folder in the environment variable ``CONTRAMIX_DATA``, or else None."""
    return data_dir or (Path(os.environ[DATA_DIR]) if os.environ.get(DATA_DIR) else None)


def find_file_or_gz(path: Path) -> Path | None:
    """Return the path if it is a file, or else the path with ``.gz`` added or removed, or None if neither exists."""
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return next((file for file in (path, other) if file.is_file()), None)


def _verify(path: Path, checksum: str, unpack: bool = False) -> None:
    kind, expected = checksum.split(":")
    digest = hashlib.new(kind, usedforsecurity=False)
    try:
        with gzip.open(path) if unpack and path.suffix == ".gz" else open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); copy it again") from error
    if digest.hexdigest() != expected:
        raise InputError(
            f"{path}: not the official file ({kind} {digest.hexdigest()}, published is {expected}): get it again, or "
            "give its path in place of the name to use it as it is"
        )
