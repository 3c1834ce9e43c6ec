"""Read data sets of the UCR and UEA archives: a single ``.ts`` file, or ``NAME_TRAIN.ts`` and ``NAME_TEST.ts``."""

import re
from collections.abc import Sequence

import pyarrow as pa

from contramix.domains.series.cleaning import RawSeries, clean_series
from contramix.domains.series.column import SERIES
from contramix.domains.series.ts import parse
from contramix.errors import InputError, nearest, printable
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.record_table import build_record_table
from contramix.io.options import ReadOptions
from contramix.io.records import LABEL, Records

ENDINGS = (".ts",)
_SPLIT = re.compile(r"_(TRAIN|TEST)$", re.IGNORECASE)


def read_data_set(found: MediaFiles, options: ReadOptions, problem: str | None, trained: bool = False) -> Records:
    """Read the time series of one UCR or UEA data set into a table, one series per row.

    Rows of the training file come first. The columns are ``series``, ``file``, ``label`` (if the files have labels) and
    ``part`` (official split, if there are a training and a test file).

    Parameters
    ----------
    found
        The ``.ts`` files of a folder or an archive.
    options
        ``on_bad_files`` says whether unusable series (without steps, or with a channel without values) are skipped or
        are an error.
    problem
        Name of the data set, such as ``"OSULeaf"``. It may be None if the files belong to a single data set.
    trained
        Whether the series are the input of a trained model. If so, and the files belong to a single data set, it is
        read even if its name is not ``problem``.

    Raises
    ------
    InputError
        If there are several data sets and ``problem`` is None, if there is no data set of that name, or if a file is
        damaged.
    """
    name, files = _choose(found, problem, trained)
    parts = {part.group(1).lower() if (part := _SPLIT.search(_stem(file))) else None: file for file in files}
    official = {"train", "test"} <= parts.keys()
    used = [parts["train"], parts["test"]] if official else files
    notes = found.notes
    if left := [file.name for file in files if file not in used]:
        notes += (f"left out, as there are {name}_TRAIN.ts and {name}_TEST.ts: {', '.join(left)}",)
    series: list[RawSeries] = []
    labels: list[str | float | None] = []
    names: list[str] = []
    splits: list[str] = []
    each = []
    for file in used:
        try:
            each.append(parse(file.read(), file.name))
        except UnreadableFileError as error:
            raise InputError(f"{found.source}: {file.name}: {error}") from None
        except OSError as error:
            raise InputError(f"{found.source}: {file.name}: cannot be read ({error.strerror or error})") from None
    for file, read in zip(used, each, strict=True):
        series += [one._replace(name=f"{file.name}, {one.name}") for one in read.series]
        labels += read.labels or []
        names += [file.name] * len(read.series)
        splits += ["train" if file is used[0] else "test"] * len(read.series)
        notes += read.notes
    labeled = len(labels) == len(series)
    if labels and (not labeled or len({type(one) for one in labels if one is not None}) > 1):
        raise InputError(f"{found.source}: the files of {name} have different kinds of labels: correct their headers")
    content, more = clean_series(series, found.source, options.on_bad_files)
    table = build_record_table(
        SERIES,
        content,
        names,
        labels=pa.array(labels) if labeled else None,
        splits=splits if official else None,
    )
    target = LABEL if labeled else None
    return Records(table, (*notes, *more), target, content.bad_files, ("train", "test") if official else ())


def _choose(found: MediaFiles, problem: str | None, trained: bool) -> tuple[str, Sequence[MediaFile]]:
    """Return the name and the files of the data set to read.

    Parameters
    ----------
    found
        The ``.ts`` files of all data sets.
    problem
        Name of the data set; None if there is only one.
    trained
        Whether a single data set is chosen even if its name is not ``problem``.

    Raises
    ------
    InputError
        If there are several data sets and ``problem`` is None, if there is no data set of that name, or if two files
        of the data set have the same name.
    """
    problems: dict[str, list[MediaFile]] = {}
    for file in found.files:
        problems.setdefault(_SPLIT.sub("", _stem(file)), []).append(file)
    if len(problems) == 1 and (problem is None or trained):
        name = next(iter(problems))
    elif problem is None:
        shown = ", ".join(printable(one, 60) for one in sorted(problems)[:20]) + ", ..." * (len(problems) > 20)
        raise InputError(
            f"{found.source}: holds {len(problems)} data sets ({shown}): choose one with `series.problem=NAME`"
        )
    elif problem in problems:
        name = problem
    else:
        hint = nearest(problem, problems)
        raise InputError(f"{found.source}: there is no data set {printable(problem, 60)!r} (series.problem); {hint}")
    stems = [_stem(file).lower() for file in problems[name]]
    if len(set(stems)) < len(stems):
        shown = ", ".join(file.name for file in problems[name][:5])
        raise InputError(
            f"{found.source}: several files have the same name ({shown}): give the folder of the right one"
        )
    return name, problems[name]


def _stem(file: MediaFile) -> str:
    return file.name.rsplit("/", 1)[-1][: -len(ENDINGS[0])]
