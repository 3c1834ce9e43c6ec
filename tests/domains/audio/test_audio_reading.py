"""Test reading audio from folders, archives, tables and Python values, complete and broken."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from contramix.domains import DOMAINS
from contramix.domains.audio.reading import read
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.audio.spec import AudioSpec
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import BadFile
from contramix.samples.samples import StreamedSamples

OPTIONS = ReadOptions()
DOMAIN = DOMAINS["audio"]
TINY = AudioSettings(seconds=0.05)


def clip(number, n=800):
    """A clip that no other number has."""
    return (np.arange(n, dtype=np.int64) * (number + 3) % 20011 - 10000).astype(np.int16)


@pytest.fixture
def folder(tmp_path, wav):
    """Twelve clips in two classes."""
    for number in range(12):
        place = tmp_path / "sounds" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:02}.wav").write_bytes(wav(clip(number)))
    return tmp_path / "sounds"


ORDER = [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]
ALL = torch.from_numpy(np.stack([clip(number) for number in ORDER]))


def samples(reading, settings=TINY):
    spec, _ = DOMAIN.spec.learn(reading.table, settings)
    return spec.tensorize(reading.table)


def test_a_folder_of_classes(folder):
    reading = read(folder, OPTIONS, TINY)
    assert reading.table.column_names == ["audio", "file", "label"]
    assert reading.table.column("label").to_pylist() == ["a"] * 6 + ["b"] * 6
    assert reading.table.column("file").to_pylist() == [f"{'ab'[n % 2]}/{n:02}.wav" for n in ORDER]
    assert (reading.target, reading.splits, reading.bad_files) == ("label", (), ())
    assert torch.equal(samples(reading), ALL)
    assert samples(reading).dtype == torch.int16


def test_an_archive_and_a_folder_with_one_are_the_folder(folder, tmp_path):
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed" / "s.zip", "w") as archive:
        for file in sorted(folder.rglob("*.wav")):
            archive.write(file, f"top/{file.relative_to(folder)}")
    for path in (tmp_path / "packed" / "s.zip", tmp_path / "packed"):
        assert DOMAIN.recognizes(path)
        reading = read(path, OPTIONS, TINY)
        assert torch.equal(samples(reading), ALL)
        assert reading.table.column("label").to_pylist() == ["a"] * 6 + ["b"] * 6


def test_streamed_is_in_memory(folder):
    whole, streamed = read(folder, OPTIONS, TINY), read(folder, OPTIONS, TINY, in_memory_bytes=1000)
    spec, _ = DOMAIN.spec.learn(whole.table, TINY)
    other, _ = DOMAIN.spec.learn(streamed.table, TINY)
    assert spec == other
    x = spec.tensorize(streamed.table.slice(2))
    assert isinstance(x, StreamedSamples)
    assert x.shape == (10, 800)
    assert torch.equal(x[torch.tensor([7, 0, 3])], ALL[2:][[7, 0, 3]])


def test_other_rates_channels_and_lengths_are_noted(tmp_path, wav):
    for number in range(8):
        (tmp_path / f"{number}.wav").write_bytes(wav(clip(number)))
    (tmp_path / "rate.wav").write_bytes(wav(clip(1, 2400), rate=48000))
    (tmp_path / "stereo.wav").write_bytes(wav(np.stack([clip(1), clip(2)], 1), channels=2))
    (tmp_path / "long.wav").write_bytes(wav(clip(3, 900)))
    (tmp_path / "short.wav").write_bytes(wav(clip(3, 90)))
    (tmp_path / "silent.wav").write_bytes(wav(clip(3) * 0))
    reading = read(tmp_path, OPTIONS, TINY)
    assert reading.notes == (
        "all clips are resampled to 16,000 Hz (audio.sample_rate_hz sets another rate)",
        "1 clips with several channels: averaged to one",
        "1 clips longer: truncated",
        "1 clips shorter: padded with silence",
        "1 clips of another sample rate: resampled",
        "1 clips all silent",
    )
    assert reading.target is None
    assert "label" not in reading.table.column_names
    described, notes = DOMAIN.spec.learn(reading.table, TINY)
    assert (described.sample_rate_hz, described.samples, notes) == (16000, 800, ())


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([0.3] * 19 + [9.0], 1.0), ([0.3] * 18 + [2.2] * 2, 2.5), ([1.4] * 5, 1.5), ([2.0] * 5, 2.0), ([31.0] * 3, 10.0)],
)
def test_length_is_chosen(tmp_path, wav, seconds, expected):
    """95 % of the clips fit in: at least one second, at most ten."""
    for number, length in enumerate(seconds):
        (tmp_path / f"{number}.wav").write_bytes(wav(np.zeros(round(length * 2000), np.int16), rate=2000))
    table = read(tmp_path, OPTIONS, AudioSettings()).table
    assert table.column("audio").type.shape == [expected * 2000]


@pytest.mark.parametrize(("rates", "expected"), [((8000, 8000, 16000), 8000), ((44100, 44100, 8000), 16000)])
def test_rate_is_chosen(tmp_path, wav, rates, expected):
    for number, rate in enumerate(rates):
        (tmp_path / f"{number}.wav").write_bytes(wav(clip(number, rate), rate=rate))
    spec, _ = DOMAIN.spec.learn(read(tmp_path, OPTIONS, AudioSettings()).table, AudioSettings())
    assert (spec.sample_rate_hz, spec.samples) == (expected, expected)
    spec, _ = DOMAIN.spec.learn(read(tmp_path, OPTIONS, AudioSettings(sample_rate_hz=11025)).table, AudioSettings())
    assert spec.sample_rate_hz == 11025


def broken(wav):
    """Ten ways, 17 files: name, bytes, reason."""
    flac = io.BytesIO()
    soundfile.write(flac, np.sin(np.arange(8000) * 0.1), 16000, format="FLAC")
    nan = np.full(800, np.nan, np.float32)
    ways = [
        ("truncated", wav(clip(1))[:900], "truncated: 428 of 800 frames"),
        ("huge", wav(clip(1), claim=2_000_000_000), "truncated: 800 of 1,000,000,000 frames"),
        ("flac", flac.getvalue()[:150], "damaged (flac decoder lost sync)"),
        ("empty", wav(b""), "0 samples"),
        ("nan", wav(nan, bits=32, kind=3), "80 of 80 samples are not numbers"),
        ("rate", wav(clip(1), rate=0), "not audio that can be read (its sample rate is 0 or absurd)"),
        ("text", b"these are words, not sounds", "not audio: begins like text"),
        ("html", b"<html><body>not found</body></html>", "not audio: begins like HTML"),
        ("nothing", b"", "0 bytes"),
        (
            "header",
            wav(clip(1))[:20],
            "not audio that can be read (Error in WAV/W64/RF64 file. Malformed 'fmt ' chunk)",
        ),
    ]
    return [(f"x{number:02}_{way[0]}.wav", way[1], way[2]) for number, way in enumerate((ways + ways)[:17])]


def test_983_of_a_thousand(tmp_path, wav):
    for number in range(983):
        (tmp_path / f"ok{number:04}.wav").write_bytes(wav(clip(number, 80)))
    for name, data, _ in broken(wav):
        (tmp_path / name).write_bytes(data)
    settings = AudioSettings(seconds=0.005)
    reading = read(tmp_path, OPTIONS, settings)
    assert reading.table.num_rows == 983
    assert reading.bad_files == tuple(BadFile(name, reason) for name, _, reason in broken(wav))
    assert reading.table.column("file").to_pylist() == [f"ok{number:04}.wav" for number in range(983)]
    expected = torch.from_numpy(np.stack([clip(number, 80) for number in range(983)]))
    assert torch.equal(samples(reading, settings), expected)
    with pytest.raises(InputError, match=r"x00_truncated\.wav: truncated: 428 of 800 frames"):
        read(tmp_path, replace(OPTIONS, on_bad_files="fail"), settings)


def test_all_broken_is_one_line(tmp_path, wav):
    for name, data, _ in broken(wav):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        read(tmp_path, OPTIONS, AudioSettings())
    assert "none of 17 files can be decoded (x00_truncated.wav: truncated: 428 of 800 frames; " in str(error.value)
    assert "\n" not in str(error.value)


def test_speech_commands_with_noise_and_lists(tmp_path, wav):
    for number, word in enumerate(["yes", "no", "bird", "go"] * 5):
        (tmp_path / word).mkdir(exist_ok=True)
        (tmp_path / word / f"0000000{number // 4}_nohash_0.wav").write_bytes(wav(clip(number)))
    (tmp_path / "_background_noise_").mkdir()
    (tmp_path / "_background_noise_" / "hum.wav").write_bytes(wav(clip(5, 16000)))
    (tmp_path / "_background_noise_" / "gone.wav").write_bytes(b"")
    (tmp_path / "validation_list.txt").write_text("yes/00000000_nohash_0.wav\n")
    (tmp_path / "testing_list.txt").write_text("no/00000001_nohash_0.wav\nno/00000002_nohash_0.wav\n")
    reading = read(tmp_path, OPTIONS, TINY)
    assert reading.table.num_rows == 20
    assert reading.splits == ("train", "valid", "test")
    assert (reading.training.num_rows, reading.test.num_rows) == (17, 2)
    assert reading.test.column("label").to_pylist() == ["no", "no"]
    assert "_background_noise_/gone.wav: 0 bytes; the noise was left out" in reading.notes
    spec, _ = DOMAIN.spec.learn(reading.training, TINY, "label")
    assert spec.target == "label"
    assert spec.rows == 17
    again = AudioSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    noise = again.frontend().get_buffer("background")
    assert noise.shape == (32, 32)  # one second, in frames and bands
    raw, seed = spec.tensorize(reading.table), torch.Generator().manual_seed(0)
    views = [
        one.frontend().augment(raw, seed.manual_seed(0)) for one in (spec, spec.model_copy(update={"background": ""}))
    ]
    assert not torch.equal(*views)
    task = AudioSettings(seconds=0.05, words="ten")
    for limit in (2**30, 10):
        twelve = read(tmp_path, OPTIONS, task, in_memory_bytes=limit)
        assert twelve.table.num_rows == 21
        assert set(twelve.table.column("label").to_pylist()) == {"yes", "no", "go", "unknown", "silence"}
        assert not samples(twelve, task)[torch.tensor([20])].any()


def test_noise_alone_is_no_data(tmp_path, wav):
    (tmp_path / "_background_noise_").mkdir()
    (tmp_path / "_background_noise_" / "hum.wav").write_bytes(wav(clip(5)))
    with pytest.raises(InputError, match="holds background noise only"):
        read(tmp_path, OPTIONS, TINY)


def test_a_model_reads_in_its_own_form(folder, tmp_path, wav):
    spec, _ = DOMAIN.spec.learn(read(folder, OPTIONS, TINY).table, TINY)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1.wav").write_bytes(wav(clip(1, 9000), rate=8000))
    (tmp_path / "new" / "2.wav").write_bytes(wav(clip(2)))
    new = DOMAIN.read(tmp_path / "new", OPTIONS, AudioSettings(), fitted_spec=spec)
    x = spec.tensorize(new.table)
    assert x.shape == (2, 800)
    assert torch.equal(x[1], torch.from_numpy(clip(2)))
    with pytest.raises(InputError, match=r"clips of 8,000 Hz: the model was trained at 16,000 Hz"):
        spec.tensorize(read(tmp_path / "new", OPTIONS, AudioSettings(sample_rate_hz=8000)).table)
    with pytest.raises(InputError, match="clips of 1,600 samples: the model was trained on clips of 800"):
        spec.tensorize(read(tmp_path / "new", OPTIONS, AudioSettings(sample_rate_hz=16000, seconds=0.1)).table)
    with pytest.raises(InputError, match="no column 'audio'"):
        spec.tensorize(pa.table({"x": [1.0]}))


def test_a_table_of_encoded_clips(tmp_path, wav):
    cells = [{"bytes": wav(clip(number)), "path": f"{number}.wav"} for number in range(6)]
    cells[4]["bytes"] = b"no sound"
    table = pa.table({"audio": cells, "label": list("xyxyxy"), "age": range(6)})
    pq.write_table(table, tmp_path / "clips.parquet")
    assert DOMAIN.recognizes(tmp_path / "clips.parquet")
    assert DOMAIN.recognizes_values(table)
    with pytest.raises(InputError, match=r"4\.wav: not audio: begins like text"):
        DOMAIN.from_values(table, TINY)
    good = DOMAIN.from_values(table.slice(0, 4), TINY)
    assert good.table.column_names == ["audio", "file", "label", "age"]
    assert torch.equal(samples(good), torch.from_numpy(np.stack([clip(n) for n in range(4)])))
    reading = read(tmp_path / "clips.parquet", OPTIONS, TINY)
    assert reading.target == "label"
    assert reading.bad_files == (BadFile("4.wav", "not audio: begins like text"),)
    assert reading.table.select(["file", "label", "age"]).to_pydict() == {
        "file": [f"{number}.wav" for number in (0, 1, 2, 3, 5)],
        "label": list("xyxyy"),
        "age": [0, 1, 2, 3, 5],
    }
    assert torch.equal(samples(reading), torch.from_numpy(np.stack([clip(n) for n in (0, 1, 2, 3, 5)])))


def test_arrays_whose_rate_is_said():
    settings = AudioSettings(sample_rate_hz=16000)
    x = np.stack([clip(number) for number in range(4)])
    floats = x.astype(np.float32) / 32768
    for values in (x, floats, floats.astype(np.float64), torch.from_numpy(x), torch.from_numpy(floats), list(x)):
        reading = DOMAIN.from_values(values, settings)
        spec, _ = DOMAIN.spec.learn(reading.table, settings)
        assert (spec.sample_rate_hz, spec.samples) == (16000, 800)
        assert torch.equal(spec.tensorize(reading.table), torch.from_numpy(x))
        assert not DOMAIN.recognizes_values(values)
        assert DOMAIN.recognizes_values(reading.table)
    uneven = DOMAIN.from_values([clip(1, 5), clip(2, 9)], settings).table.column("audio").combine_chunks()
    assert uneven.to_numpy_ndarray().tolist() == [[*clip(1, 5), 0, 0, 0, 0], [*clip(2, 9)]]
    assert DOMAIN.from_values(x, AudioSettings(), fitted_spec=spec).table.num_rows == 4


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((2, 3, 4), np.int16), "give sounds as an array"),
        (np.zeros((2, 9), np.int64), "row 1: int64 is no waveform"),
        (np.array([[0.0, 0.5], [0.1, 1.5]]), "row 2: amplitude 1.5"),
        (np.array([[0.0, np.nan]]), "row 1: the waveform holds NaN"),
        ([np.zeros(3, np.int16), np.zeros(0, np.int16)], "row 2: a sound is an array of one dimension"),
        ([], "give sounds as an array"),
        (7, "give sounds as an array"),
    ],
)
def test_values_that_are_no_sounds(values, said):
    with pytest.raises(InputError, match=said):
        DOMAIN.from_values(values, AudioSettings(sample_rate_hz=16000))


def test_arrays_need_a_rate():
    with pytest.raises(InputError, match=r"set audio\.sample_rate_hz"):
        DOMAIN.from_values(np.zeros((2, 9), np.int16), AudioSettings())


def test_a_list_of_files(folder):
    files = sorted(folder.rglob("*.wav"))
    for values in (files, list(map(str, files))):
        assert DOMAIN.recognizes_values(values)
        reading = DOMAIN.from_values(values, TINY)
        assert torch.equal(samples(reading), ALL)
    (folder / "bad.wav").write_bytes(b"words and words")
    with pytest.raises(InputError, match=r"bad\.wav: not audio: begins like text"):
        DOMAIN.from_values([*files, folder / "bad.wav"], TINY)
    assert not DOMAIN.recognizes_values(["a.png", "b.wav"])
    assert not DOMAIN.recognizes_values([])


def test_claims(folder, tmp_path):
    assert DOMAIN.recognizes(folder)
    assert DOMAIN.recognizes(next(folder.rglob("*.wav")))
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "b.zip").write_bytes(b"PK no zip")
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "t.parquet")
    for name in ("a.csv", "empty", "b.zip", "t.parquet", "nowhere", "nowhere.zip"):
        assert not DOMAIN.recognizes(tmp_path / name), name


def test_statistics_are_those_of_the_pictures(folder):
    reading = read(folder, OPTIONS, TINY)
    spec, _ = DOMAIN.spec.learn(reading.table, TINY)
    pictures = spec.frontend()(ALL).double().flatten().tolist()
    mean = sum(pictures) / len(pictures)
    assert spec.mean == pytest.approx(mean)
    assert spec.std == pytest.approx((sum((value - mean) ** 2 for value in pictures) / len(pictures)) ** 0.5)
    both, _ = DOMAIN.spec.learn(reading.table.slice(0, 5), TINY, extra_rows=reading.table.slice(5))
    assert (both.mean, both.rows) == (pytest.approx(mean), 5)
    assert spec.inputs().shape == (1, 32, 2)
    assert spec.inputs().mean == (spec.mean,)


def test_silent_clips_have_a_deviation(tmp_path, wav):
    (tmp_path / "1.wav").write_bytes(wav(np.zeros(800, np.int16)))
    spec, notes = DOMAIN.spec.learn(read(tmp_path, OPTIONS, TINY).table, TINY)
    assert (spec.mean, spec.std) == (0.0, 1e-3)
    assert notes == ("the spectrograms of all clips are the same: are the clips silent?",)


def test_narrow_bands_are_noted(folder):
    settings = AudioSettings(seconds=0.05, mels=128, window_seconds=0.016, hop_seconds=0.008)
    _, notes = DOMAIN.spec.learn(read(folder, OPTIONS, settings).table, settings)
    assert "of 128 mel bands contain no frequency" in notes[0]


def test_the_rate_may_be_said_by_settings():
    bare = pa.table({"audio": pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((2, 100), np.int16))})
    assert DOMAIN.spec.learn(bare, AudioSettings(sample_rate_hz=8000))[0].sample_rate_hz == 8000
    with pytest.raises(InputError, match=r"set audio\.sample_rate_hz"):
        DOMAIN.spec.learn(bare, AudioSettings())
    with pytest.raises(InputError, match="no clips to learn from"):
        DOMAIN.spec.learn(bare.slice(0, 0), AudioSettings(sample_rate_hz=8000))
    with pytest.raises(InputError, match="not clips: read audio files"):
        DOMAIN.spec.learn(pa.table({"audio": ["x"]}), AudioSettings())


def test_settings_refuse_what_cannot_be():
    for wrong in (
        {"sample_rate_hz": 10},
        {"seconds": 0.0},
        {"seconds": "long"},
        {"hop_seconds": 0.5},
        {"words": "all of them"},
    ):
        with pytest.raises(ValueError, match="validation error"):
            AudioSettings(**wrong)


def test_real_speech():
    path = Path(__file__).parents[4] / "shared" / "data" / "speech_commands"
    if not path.exists():
        pytest.skip("needs speech_commands in a folder shared/data beside the repository")
    assert DOMAIN.recognizes(path)
    reading = DOMAIN.read(path, OPTIONS, AudioSettings())
    assert (reading.table.num_rows, reading.training.num_rows, reading.test.num_rows) == (1800, 1350, 450)
    assert (reading.bad_files, reading.notes) == ((), ("221 clips shorter: padded with silence",))
    spec, notes = DOMAIN.spec.learn(reading.training.slice(0, 200), AudioSettings(), reading.target)
    assert (spec.sample_rate_hz, spec.samples, spec.inputs().shape, notes) == (16000, 16000, (1, 32, 32), ())
    view = spec.frontend().augment(spec.tensorize(reading.table)[:64], torch.Generator().manual_seed(0))
    assert view.shape == (64, 1, 32, 32)
    assert 0 <= float(view.min()) < float(view.max()) <= 1
