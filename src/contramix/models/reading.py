"""Read the records of a recipe's domain; with a backbone, turn their texts or images into vectors."""

import hashlib
import os
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy import ndarray

from contramix.backbones import Backbone, BackboneSettings, open_backbone
from contramix.backbones.vectors import Content, compute_vectors
from contramix.domains import DOMAINS, Spec
from contramix.domains.image.decoding import decode
from contramix.domains.image.size import ImageSize
from contramix.domains.table.columns.embedding import Embedding
from contramix.domains.table.combined_columns import combine_columns
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError, nearest
from contramix.io.media.encoded_records import ENCODED, compute_digest
from contramix.io.media.streaming import stream_samples
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks, Records, is_text
from contramix.io.tables.canonical import describe_type
from contramix.recipe import VECTOR, Recipe
from contramix.settings import Settings


def read(
    recipe: Recipe, path: str | os.PathLike[str], options: ReadOptions | None = None, fitted_spec: Spec | None = None
) -> Records:
    """Read all records of a file or folder into memory.

    With a backbone, the table has a further column ``vector``. Texts stay in the table, and images do not.

    Parameters
    ----------
    recipe
        Recipe, which holds the domain of the data and the settings with which they are read.
    path
        File or folder.
    options
        How files are read; None: default options.
    fitted_spec
        Specification of a trained model, to whose format records are converted; None before training.

    Raises
    ------
    InputError
        If the data cannot be read, or the backbone cannot be used.
    """
    domain, options = DOMAINS[recipe.source_domain], options or ReadOptions()
    if recipe.backbone is None:
        return encode_columns(domain.read(path, options, recipe.data, fitted_spec), recipe, options, fitted_spec)
    backbone = open_backbone(recipe.backbone)
    return _with_vectors(domain.read(path, options, _source_settings(recipe, backbone)), recipe, backbone, options)


def read_chunks(
    recipe: Recipe, path: str | os.PathLike[str], options: ReadOptions | None = None, fitted_spec: Spec | None = None
) -> RecordChunks:
    """Read the records of a file or folder in chunks of rows; with backbones, in one chunk.

    Parameters and errors are those of :func:`read`.
    """
    options = options or ReadOptions()
    if not recipe.makes_vectors:
        return DOMAINS[recipe.domain].read_chunks(path, options, recipe.data, fitted_spec)
    return RecordChunks.from_records(read(recipe, path, options, fitted_spec))


def from_values(
    recipe: Recipe, values: Any, fitted_spec: Spec | None = None, options: ReadOptions | None = None
) -> Records:
    """Convert Python values, such as an array or a list of texts, to records.

    Parameters
    ----------
    recipe, fitted_spec
        As in :func:`read`.
    values
        The values, as passed to ``fit``.
    options
        Where the vectors of a backbone are kept; None: nowhere.

    Raises
    ------
    InputError
        If the values do not belong to the domain of the data, or the backbone cannot be used.
    """
    domain = DOMAINS[recipe.source_domain]
    if recipe.backbone is None:
        return domain.from_values(values, recipe.data, fitted_spec)
    backbone = open_backbone(recipe.backbone)
    records = domain.from_values(values, _source_settings(recipe, backbone))
    return _with_vectors(records, recipe, backbone, options or ReadOptions())


def encode_columns(
    records: Records, recipe: Recipe, options: ReadOptions | None = None, fitted_spec: Spec | None = None
) -> Records:
    """Replace columns of a table by vectors: those of ``table.embedding``, and those of ``table.backbones``.

    A missing text or path becomes a missing vector. Records of other domains are returned unchanged.

    Parameters
    ----------
    records
        Rows of a table.
    recipe
        Recipe, which holds the settings of the backbones.
    options
        How files are read, and where vectors are kept; None: default options.
    fitted_spec
        Specification of a trained model; None before training.

    Raises
    ------
    InputError
        If there is no such column, if it does not hold numbers or text, or if a backbone cannot be used.
    """
    settings, table, options = recipe.table_settings, records.table, options or ReadOptions()
    if settings.embedding:
        names = _combined(fitted_spec) or settings.embedding
        table = combine_columns(table, names, VECTOR, options.target if fitted_spec is None else fitted_spec.target)
    for name, backbone in settings.backbones.items():
        if name not in table.column_names:
            raise InputError(f"table.backbones: there is no column {name!r}; {nearest(name, table.column_names)}")
        column = table.column(name).combine_chunks()
        if not is_text(column.type):
            raise InputError(f"table.backbones: column {name!r} holds {describe_type(column.type)}, not text")
        vectors = _encode_column(column, backbone, options)
        table = table.set_column(table.column_names.index(name), name, vectors)
    return replace(records, table=table)


def _encode_column(column: pa.Array, settings: BackboneSettings, options: ReadOptions) -> pa.FixedSizeListArray:
    """Return the vectors of a column of texts or paths of images; a missing cell becomes a missing vector."""
    backbone, present = open_backbone(settings), column.drop_null()
    content: pa.ChunkedArray = pa.chunked_array([present])
    if settings.domain == "image" and len(present):
        image = DOMAINS["image"]
        records = image.from_values(present.to_pylist(), _with_image_size(image.settings(), backbone))
        content = records.table.column("image")
    is_present = np.asarray(column.is_valid())
    row_of_vector = pa.array(np.cumsum(is_present) - 1, mask=~is_present)
    return _vectors(content, backbone, settings, options).take(row_of_vector)


def _combined(fitted_spec: Spec | None) -> tuple[str, ...]:
    """Return the names of the columns that were combined into vectors when a model was trained."""
    columns = fitted_spec.columns if isinstance(fitted_spec, TableSpec) else ()
    return next(
        (column.source_columns for column in columns if isinstance(column, Embedding) and column.name == VECTOR), ()
    )


def _source_settings(recipe: Recipe, backbone: Backbone) -> Settings:
    """Return the settings with which the records are read; images get the size that the backbone takes."""
    return _with_image_size(getattr(recipe, recipe.source_domain), backbone)


def _with_image_size(settings: Settings, backbone: Backbone) -> Settings:
    """Return settings of images with the size that a backbone takes; those of texts are not changed."""
    if backbone.image_size is None:
        return settings
    return settings.model_copy(update={"size": backbone.image_size, "channels": 3})


def _with_vectors(records: Records, recipe: Recipe, backbone: Backbone, options: ReadOptions) -> Records:
    """Add the column of vectors to records; images are removed."""
    content = DOMAINS[recipe.source_domain].content
    if content is None or recipe.backbone is None:
        raise ValueError("there is no column for a backbone")
    table = records.table
    if VECTOR in table.column_names:
        raise InputError(f"`backbone`: the data have a column {VECTOR!r} already; rename it")
    column = content.select(table)
    vectors = _vectors(column, backbone, recipe.backbone, options)
    if not is_text(column.type):
        table = table.drop_columns(content.name)
    return replace(records, table=table.append_column(VECTOR, vectors))


def _vectors(
    column: pa.ChunkedArray, backbone: Backbone, settings: BackboneSettings, options: ReadOptions
) -> pa.FixedSizeListArray:
    """Return the vectors of the texts or images of a column, which has no nulls but texts."""
    found = _texts(column) if is_text(column.type) else _images(column, backbone)
    folder = None if options.vectors is None else options.vectors / _identity(settings, backbone)
    progress = options.vectors_progress or (lambda done, total: None)
    z = compute_vectors(backbone, found, settings.batch_size, folder, progress)
    return pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), z.shape[1])


def _identity(settings: BackboneSettings, backbone: Backbone) -> str:
    """Return a name of all that vectors depend on, apart from the records."""
    used = settings.model_dump_json(exclude={"name", "revision", "sha256"})
    return hashlib.sha256(f"{backbone.weights_sha256} {backbone.library} {used}".encode()).hexdigest()[:16]


def _texts(column: pa.ChunkedArray) -> Content:
    texts = [text or "" for text in column.to_pylist()]
    keys = [compute_digest(text.encode("utf-8", "surrogatepass")) for text in texts]
    return Content(keys, [len(text) for text in texts], lambda rows: [texts[row] for row in rows])


def _images(column: pa.ChunkedArray, backbone: Backbone) -> Content:
    lengths = [0] * len(column)
    if column.type == ENCODED:
        side = backbone.image_size or 0
        size = ImageSize(3, side, side)
        samples = stream_samples(column, partial(decode, size=size), size, torch.uint8)
        keys = pc.struct_field(column, "digest").to_pylist()
        return Content(keys, lengths, lambda rows: list(samples[torch.tensor(rows)].numpy()))
    shape = (len(column), *column.type.shape)
    images: ndarray = column.combine_chunks().storage.flatten().to_numpy().reshape(shape)
    return Content(
        [compute_digest(image.tobytes()) for image in images], lengths, lambda rows: [images[row] for row in rows]
    )
