"""Test images and audio given by path: official layouts, broken files, missing extras, and printed messages."""

import gzip
import importlib
import io
import json
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from contramix import ContrastiveEncoder
from contramix.errors import InputError

Image = pytest.importorskip("PIL.Image", reason="reading images needs pillow")
soundfile = pytest.importorskip("soundfile", reason="reading audio needs soundfile")

TINY = ("--epochs", "1", "--set", "encoder.width=2", "--set", "train.batch_size=16")
PROBED = ("--seeds", "1", "--probes", "linear", "--baselines", "raw", "--labels-per-class", "5")
RATE = 1000


def picture(kind: int, number: int, grey: bool = False) -> np.ndarray:
    """Dark on the left (0) or above (1), with noise of its own."""
    pixels = np.random.default_rng(number).integers(0, 60, (8, 8, 3), dtype=np.uint8)
    half = (slice(None), slice(4, None)) if kind == 0 else (slice(4, None),)
    pixels[half] += 180
    return pixels[..., 0] if grey else pixels


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def sound(kind: int, number: int, form: str = "WAV", wave: np.ndarray | None = None, **how: str) -> bytes:
    """A low tone (0) or a high one (1), with noise of its own."""
    noise = np.random.default_rng(number).normal(0, 0.01, 200)
    tone = 0.4 * np.sin(np.arange(200) * (0.4, 1.6)[kind]) + noise if wave is None else wave
    file = io.BytesIO()
    soundfile.write(file, tone.astype(np.float32), RATE, format=form, **how)
    return file.getvalue()


def put(name: str, content: bytes) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)


# Layouts as published, each with 32 records to learn from and 16 to be scored on. In the test part what is seen and
# what it is called are swapped, so that a probe that has learned everything gets nothing right there, and only there.


def seen(part: str, number: int) -> int:
    return number % 2 if part == "train" else 1 - number % 2


def fashion_mnist() -> str:
    for part, prefix, n in (("train", "train", 32), ("test", "t10k", 16)):
        pixels = np.stack([picture(seen(part, i), i, grey=True) for i in range(n)])
        head = struct.pack(">4i", 2051, n, 8, 8)
        put(f"fmnist/{prefix}-images-idx3-ubyte.gz", gzip.compress(head + pixels.tobytes()))
        labels = bytes(i % 2 for i in range(n))
        put(f"fmnist/{prefix}-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">2i", 2049, n) + labels))
    put("fmnist/copyright", b"a text")
    return "fmnist"


def cifar() -> str:
    with tarfile.open("cifar.tar.gz", "w:gz") as archive:
        for part, n in (("train", 32), ("test", 16)):
            for i in range(n):
                data = encoded(picture(seen(part, i), i), "JPEG")
                info = tarfile.TarInfo(f"{part}/{('airplane', 'ship')[i % 2]}/{i:04}.jpg")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return "cifar.tar.gz"


def spoken_digits() -> str:
    with zipfile.ZipFile("fsdd.zip", "w") as archive:
        archive.writestr("README.md", "digits")
        for digit in (0, 1):
            for speaker in ("ann", "bob", "cid", "dee"):
                for take in [*range(2), *range(5, 9)]:  # 0 to 4 are the test part
                    part = "test" if take < 5 else "train"
                    data = sound(seen(part, digit), take * 7 + ord(speaker[0]))
                    archive.writestr(f"recordings/{digit}_{speaker}_{take}.wav", data)
    return "fsdd.zip"


def speech_commands() -> str:
    lines = ["path,label,split,speaker"]
    for n in range(48):
        part, word = "train" if n < 32 else "test", ("bed", "cat")[n % 2]
        put(f"speech/{word}/{n:08x}_nohash_0.wav", sound(seen(part, n), n))
        lines.append(f"{word}/{n:08x}_nohash_0.wav,{word},{'training' if n < 32 else 'testing'},{n:08x}")
    put("speech/split.csv", "\n".join(lines).encode())
    put("speech/_background_noise_/hum.wav", sound(0, 99, wave=np.random.default_rng(0).normal(0, 0.1, 3000)))
    return "speech"


LAYOUTS = {
    "Fashion-MNIST": (fashion_mnist, "images"),
    "CIFAR-10 as JPEG": (cifar, "images"),
    "Free Spoken Digits": (spoken_digits, "clips"),
    "Speech Commands": (speech_commands, "clips"),
}


@pytest.mark.parametrize(("layout", "records"), LAYOUTS.values(), ids=LAYOUTS)
def test_official_layouts_by_path_alone(here, run, layout, records):
    data = layout()
    told = run.done("pretrain", data, "--out", "run", *TINY, "--json")
    assert f"pre-training sees the 32 {records} of the training part, of 48" in told.err
    assert "the data carry labels (2 classes), which are no input" in told.err
    made = json.loads(told.out)
    assert (made["records"], made["rows"], made["bad_files"]) == (records, 32, [])

    run.done("embed", "run", data, "--out", "z.parquet")
    table = pq.read_table("z.parquet")
    assert table.column("part").to_pylist().count("train") == 32
    assert table.column("part").to_pylist().count("test") == 16
    assert table.column("label").null_count == 0
    assert len(set(table.column("label").to_pylist())) == 2
    assert np.isfinite(table.column("e0").to_numpy()).all()

    swapped = {"evaluate": ("run", data), "compare": (data, "--recipes", "npair", "--out", "runs", *TINY)}
    for command, arguments in swapped.items():
        report = json.loads(run.done(command, *arguments, *PROBED, "--json").out)
        raw = [row for row in report["rows"] if (row["name"], row["labels_per_class"]) == ("raw", None)]
        assert [row["mean"] for row in raw] == [0.0]
        assert report["target"] == "label"
        assert report["labelled"] == {"training": 32, "test": 16}


# ---------------------------------------------------------------- files that cannot be read

PNG, JPEG = encoded(picture(0, 0)), encoded(picture(0, 0), "JPEG")
WAV, FLAC = sound(0, 0), sound(0, 0, "FLAC")
TEXTS = {"text": b"no picture, no sound\n", "page": b"<!DOCTYPE html><html></html>", "zeros": bytes(400)}


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


def huge_png() -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return PNG[:12] + header + struct.pack(">I", zlib.crc32(header)) + PNG[33:]


BROKEN_IMAGES = {
    "empty.png": (b"", "0 bytes"),
    "half.png": (PNG[: len(PNG) // 2], "truncated"),
    "half.jpg": (JPEG[: len(JPEG) - 60], ""),
    "text.png": (TEXTS["text"], "not an image: text"),
    "page.jpg": (TEXTS["page"], "HTML"),
    "zeros.png": (TEXTS["zeros"], "zeros"),
    "checksum.png": (damaged(PNG, PNG.find(b"IDAT") + 30), "checksum"),
    "huge.png": (huge_png(), "3600 megapixels"),
    "drawing.png": (b"<svg xmlns='x'></svg>", "SVG"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid x\n", "git lfs pull"),
    "head.png": (PNG[:20], "header"),
}
BROKEN_SOUNDS = {
    "empty.wav": (b"", "0 bytes"),
    "half.wav": (WAV[: len(WAV) // 2], "truncated"),
    "half.flac": (FLAC[: len(FLAC) // 2], ""),
    "text.wav": (TEXTS["text"], "text"),
    "page.mp3": (TEXTS["page"], "HTML"),
    "zeros.wav": (TEXTS["zeros"], "not audio"),
    "nothing.wav": (sound(0, 0, wave=np.zeros(0)), "0 samples"),
    "nan.wav": (sound(0, 0, wave=np.full(200, np.nan), subtype="FLOAT"), "200 of 200 samples are not numbers"),
    "rate.wav": (WAV[:24] + bytes(4) + WAV[28:], "rate"),
    "picture.wav": (PNG, "not audio"),
    "head.wav": (WAV[:20], "not audio"),
}


def break_seventeen(broken: dict[str, tuple[bytes, str]]) -> dict[str, str]:
    """Put 17 broken files into data/b; their names, and a word of each reason."""
    ending = next(iter(broken))[-4:]
    for name, (content, _) in broken.items():
        put(f"data/b/{name}", content)
    words = {f"b/{name}": word for name, (_, word) in broken.items()}
    for n in range(3):
        put(f"data/b/again{n}{ending}", b"")
        words[f"b/again{n}{ending}"] = "0 bytes"
    os.mkdir(f"data/b/folder{ending}")
    os.symlink("nowhere", f"data/b/link{ending}")
    os.mkfifo(f"data/b/pipe{ending}")
    more = {
        f"b/folder{ending}": "a folder",
        f"b/link{ending}": "leads nowhere",
        f"b/pipe{ending}": "not a regular file",
    }
    assert len(words | more) == 17
    return words | more


KINDS = {"images": (BROKEN_IMAGES, ".png", PNG), "sounds": (BROKEN_SOUNDS, ".wav", WAV)}


@pytest.mark.parametrize(("broken", "ending", "good"), KINDS.values(), ids=KINDS)
def test_seventeen_of_a_thousand_files_are_broken_in_ten_ways(here, run, broken, ending, good):
    for n in range(983):
        put(f"data/{'ab'[n % 2]}/{n}{ending}", good)
    words = break_seventeen(broken)
    told = run.done("pretrain", "data", "--out", "run", *TINY, "--set", "train.batch_size=256", "--json")
    made = json.loads(told.out)
    assert made["rows"] == 983
    reasons = {bad["file"]: bad["reason"] for bad in made["bad_files"]}
    assert reasons.keys() == words.keys()
    for name, word in words.items():
        assert word in reasons[name]
        assert reasons[name]
        assert f"note: {name}: {reasons[name]}; left out" in told.err

    for n in range(0, 983, 2):
        Path(f"data/a/{n}{ending}").unlink()
    embedded = json.loads(run.done("embed", "run", "data", "--out", "z.parquet", "--quiet", "--json").out)
    assert (embedded["rows"], len(embedded["bad_files"])) == (491, 17)
    assert set(words).isdisjoint(pq.read_table("z.parquet").column("file").to_pylist())
    for n in range(1, 983, 2):
        Path(f"data/b/{n}{ending}").unlink()
    run.refused("embed", "run", "data", "--out", "new.npy").says(
        "data: none of 17 files can be decoded", "a folder, not"
    )
    run.refused("pretrain", "data", "--out", "new", *TINY).says(
        "data: none of 17 files can be decoded", "a folder, not"
    )


def test_on_request_a_broken_file_ends_it(here, run):
    pets()
    put("pets/a/bad.png", b"")
    run.refused("pretrain", "pets", "--out", "new", "--on-bad-files", "fail", *TINY).says("a/bad.png: 0 bytes")


# ---------------------------------------------------------------- extras that are not installed


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [("PIL", "pillow", "image"), ("soundfile", "soundfile", "audio"), ("soxr", "soxr", "audio")],
)
def test_a_missing_extra_is_one_line(here, run, monkeypatch, module, name, extra):
    put("a/1.png", PNG)
    put("b/1.wav", WAV)
    for known in [known for known in sys.modules if known == module or known.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError):
        importlib.import_module(module)
    importlib.import_module("contramix.domains.image.decoding")._kinds.cache_clear()
    data, how = ("a", ()) if extra == "image" else ("b", ("--set", f"audio.sample_rate_hz={2 * RATE}"))
    run.refused("pretrain", data, "--out", "new", *how).says(f"needs {name}: pip install 'contramix[{extra}]'")


# ---------------------------------------------------------------- calls that are wrong, and what is printed


def pets() -> str:
    for n in range(32):
        put(f"pets/{'ab'[n % 2]}/{n:02}.png", encoded(picture(n % 2, n)))
    return "pets"


@pytest.fixture
def trained_on_pets(here, run):
    run.done("pretrain", pets(), "--out", "run", *TINY)


def test_labels_that_are_not_there(trained_on_pets, run):
    for n in range(4):
        put(f"flat/{n}.png", PNG)
    run.refused("pretrain", "pets", "--out", "new", "--target", "lable", *TINY).says("'lable'", "did you mean 'label'")
    run.refused("pretrain", "pets", "--out", "new", "--target", "image", *TINY).says("no column of labels 'image'")
    for command in (("evaluate", "run", "flat"), ("finetune", "run", "flat", "--out", "m"), ("compare", "flat")):
        run.refused(*command).says("--target", "each class into a folder")


def test_the_input_itself_and_lists_are_not_carried_over(trained_on_pets, run):
    run.refused("embed", "run", "pets", "--out", "z.csv", "--keep", "image").says(
        "'image' is the input itself", "label"
    )
    cells = {"image": [{"bytes": PNG, "path": None}] * 3, "boxes": [[1, 2]] * 3, "label": [0, 1, 0]}
    pq.write_table(importlib.import_module("pyarrow").table(cells), "cells.parquet")
    run.done("embed", "run", "cells.parquet", "--out", "z.csv")
    assert Path("z.csv").read_text().startswith('"file","label","e0"')
    run.refused("embed", "run", "cells.parquet", "--out", "new.csv", "--keep", "boxes").says("'boxes'", ".parquet")
    run.done("embed", "run", "cells.parquet", "--out", "z.parquet")
    assert pq.read_table("z.parquet").column("boxes").to_pylist() == [[1, 2]] * 3


def test_data_of_another_domain(trained_on_pets, run):
    os.mkdir("empty")
    put("sounds/1.wav", WAV)
    run.refused("embed", "run", "sounds", "--out", "z.npy").says("sounds: holds no images")
    run.refused("pretrain", "pets", "--domain", "audio", "--out", "new").says("pets: holds no file that ends in")
    run.refused("pretrain", "pets", "--recipe", "scarf", "--out", "new").says("'scarf' is for domain 'table'")
    run.refused("pretrain", "empty", "--out", "new").says("empty: is a folder, and not one of images or audio files")


def test_files_of_other_kinds_are_counted(trained_on_pets, run):
    for name in ("pets/1.wav", "pets/a/2.WAV", "pets/notes.md", "pets/LICENSE"):
        put(name, WAV)
    told = run.done("embed", "run", "pets", "--out", "z.npy")
    told.says("note: files of other kinds are left out: 2 .wav, 1 .md\n")
    assert np.load("z.npy").shape[0] == 32


def test_every_command_on_images(trained_on_pets, run):
    tuned = ("finetune", "run", "pets", "--out", "model", "--epochs", "1")
    searched = ("tune", "pets", "--out", "tuned", "--trials", "1", "--steps", "1", *TINY[2:])
    for command in (
        ("embed", "run", "pets", "--out", "z.parquet"),
        ("info", "run"),
        ("evaluate", "run", "pets", *PROBED),
        ("report", "run"),
        tuned,
        ("predict", "model", "pets", "--out", "p.csv"),
        searched,
    ):
        told = run.done(*command, "--json", "--quiet")
        assert told.err == ""
        assert isinstance(json.loads(told.out), dict)
        assert len(told.out.splitlines()) == 1
    told = run.done("info", "run").out
    assert "32 images, 8 x 8 pixels, RGB; target label" in told
    lines = Path("p.csv").read_text().splitlines()
    assert lines[0] == '"file","label","prediction","p_a","p_b"'
    assert [line.split(",")[0] for line in lines[1:3]] == ['"a/00.png"', '"a/02.png"']
    assert len(lines) == 33


def test_records_of_another_form_than_the_models(here, run):
    run.done("pretrain", pets(), "--out", "run", *TINY)
    grey = picture(0, 7, grey=True)
    put("grey/1.png", encoded(grey))
    put("colour/1.png", encoded(np.stack([grey] * 3, 2)))
    for name in ("grey", "colour"):
        run.done("embed", "run", name, "--out", f"{name}.npy")
    assert np.array_equal(np.load("grey.npy"), np.load("colour.npy"))


def test_arrays_from_python(here):
    pixels = np.stack([picture(n % 2, n) for n in range(16)])
    settings = {"epochs": 1, "batch_size": 8, "random_state": 0, "overrides": {"encoder.width": 2}}
    encoder = ContrastiveEncoder(**settings).fit(pixels)
    expected = encoder.transform(pixels)
    for same in (list(pixels), [image / 255 for image in pixels], pixels.transpose(0, 3, 1, 2), torch.tensor(pixels)):
        assert np.array_equal(ContrastiveEncoder(**settings).fit(same).transform(same), expected)
    with pytest.raises(InputError, match="8 x 8 x 3 is one image in color"):
        encoder.transform(pixels[0])
    assert np.allclose(encoder.transform(pixels[:1]), expected[:1], atol=1e-6)
