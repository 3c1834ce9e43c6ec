"""Compare decoded clips from files of every format and defect with samples written by hand."""

import io
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile

from contramix.domains.audio.decoding import Tally, as_int16, decode, fit_length, read_header
from contramix.errors import InputError
from contramix.io.media.media_file import UnreadableFileError


def tone(n, hz=440.0, rate=16000, loud=0.3):
    return loud * np.sin(2 * np.pi * hz * np.arange(n) / rate)


def written(x, rate=16000, form="WAV", subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, x, rate, format=form, subtype=subtype)
    return file.getvalue()


def counted(data, rate=16000, samples=16000):
    tally = Tally()
    return decode(data, rate, samples, tally), dict(tally.counts)


RAMP = np.arange(-500, 500, dtype=np.int16) * 65


def test_sixteen_bit_comes_back_as_it_was(wav):
    extremes = np.array([-32768, -32767, -1, 0, 1, 32766, 32767], np.int16)
    for x in (RAMP, extremes):
        clip, facts = counted(wav(x), samples=len(x))
        assert clip.dtype == np.int16
        assert np.array_equal(clip, x)
        assert facts == {}
    assert np.array_equal(counted(written(RAMP, form="FLAC"), samples=1000)[0], RAMP)
    assert np.array_equal(counted(written(RAMP, form="AIFF"), samples=1000)[0], RAMP)


def test_other_widths(wav):
    eight = np.arange(0, 256, dtype=np.uint8)
    assert np.array_equal(counted(wav(eight, bits=8), samples=256)[0], (np.arange(256) - 128) * 256)
    wide = np.array([0, 1 << 15, -(1 << 15), (1 << 23) - 1, -(1 << 23)], np.int32)
    packed = b"".join(int(v).to_bytes(3, "little", signed=True) for v in wide)
    assert counted(wav(packed, bits=24), samples=5)[0].tolist() == [0, 128, -128, 32767, -32768]
    real = np.array([0.0, 0.5, -0.25, 1.0, -1.0, 1.5, -7.0], np.float32)
    clip, facts = counted(wav(real, bits=32, kind=3), samples=7)
    assert clip.tolist() == [0, 16384, -8192, 32767, -32768, 32767, -32768]
    assert facts == {"clipped": 1}


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_formats(form, subtype):
    x = tone(16000)
    found = counted(written(x, form=form, subtype=subtype))[0] / 32768
    assert np.abs(np.fft.rfft(found)).argmax() == 440
    assert np.sqrt(np.mean(found**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_channels_are_averaged(wav):
    both = np.stack([RAMP, -2 * (RAMP // 4)], 1)
    clip, facts = counted(wav(both, channels=2), samples=1000)
    assert np.abs(clip - both.astype(float).mean(1)).max() <= 0.5
    assert facts == {"averaged": 1}


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_rates_are_resampled(wav, rate):
    """A tone of 440 Hz is the same tone at 16 kHz, away from the ends; the clip is as long as it was in seconds."""
    x = as_int16(tone(rate, rate=rate).astype(np.float32))
    clip, facts = counted(wav(x, rate=rate))
    assert np.abs(clip[400:-400] / 32768 - tone(16000)[400:-400]).max() < 2e-3
    assert facts == {"resampled": 1}
    above = as_int16(tone(48000, hz=9000, rate=48000).astype(np.float32))  # more than 16 kHz can hold
    assert np.abs(counted(wav(above, rate=48000))[0][400:-400]).max() < 30


def test_short_is_padded_and_long_is_cut(wav):
    clip, facts = counted(wav(RAMP), samples=1300)
    assert np.array_equal(clip, np.concatenate([RAMP, np.zeros(300, np.int16)]))
    assert facts == {"padded": 1}
    clip, facts = counted(wav(RAMP), samples=700)
    assert np.array_equal(clip, RAMP[:700])
    assert facts == {"cut": 1}
    assert counted(wav(RAMP, rate=32000), samples=500)[1] == {"resampled": 1}
    assert counted(wav(RAMP, rate=32000), samples=400)[1] == {"resampled": 1, "cut": 1}
    assert np.array_equal(fit_length(RAMP, 3), RAMP[:3])


def test_silence_is_read_and_counted(wav):
    clip, facts = counted(wav(np.zeros(1000, np.int16)), samples=1000)
    assert not clip.any()
    assert facts == {"silent": 1}


def test_of_an_hour_only_the_start_is_decoded():
    hour = written(np.zeros(16000 * 3600, np.int16))
    tracemalloc.start()
    decode(hour, 16000, 16000)
    assert tracemalloc.get_traced_memory()[1] < len(hour) + 2_000_000  # the bytes themselves, and a second
    tracemalloc.stop()


def bad_files(wav):
    good = wav(RAMP)
    flac = written(tone(16000), form="FLAC")
    nan = np.zeros(1000, np.float32)
    nan[[3, 77]] = np.nan, np.inf
    return {
        "A1 truncated": (good[: 44 + 1200], "truncated: 600 of 1,000 frames"),
        "A1 truncated aiff": (written(RAMP, form="AIFF")[:1000], "truncated: "),
        "A2 claims 2 GB": (wav(RAMP, claim=2_000_000_000), "truncated: 1,000 of 1,000,000,000 frames"),
        "A3 broken flac": (flac[: len(flac) // 2], "damaged (flac decoder lost sync)"),
        "A4 no samples": (wav(b""), "0 samples"),
        "A5 NaN": (wav(nan, bits=32, kind=3), "2 of 1,000 samples are not numbers"),
        "A7 rate 0": (wav(RAMP, rate=0), "sample rate is 0 or absurd"),
        "A7 rate 7": (wav(RAMP, rate=7), "sample rate 7 Hz"),
        "A10 text": (b"just some words\n" * 20, "not audio: begins like text"),
        "A10 html": (b"<!DOCTYPE html><html><body>404</body></html>", "not audio: begins like HTML"),
        "A10 0 bytes": (b"", "0 bytes"),
        "header cut": (good[:30], "not audio that can be read (Error in WAV"),
        "no channels": (wav(RAMP, channels=0), "Channel count is zero"),
        "an mp4": (b"\0\0\0\x20ftypM4A " + bytes(500), "MP4, AAC and WMA are not read"),
        "noise": (bytes(np.random.default_rng(0).integers(128, 256, 3000, np.uint8)), "not audio that can be read"),
    }


def test_bad_files_say_why(wav):
    for name, (data, reason) in bad_files(wav).items():
        with pytest.raises(UnreadableFileError) as error:
            decode(data, 16000, 16000)
        assert reason in str(error.value), name
        assert "\n" not in str(error.value)


def test_unknown_lengths_and_small_losses_are_read(wav):
    """A recorder that writes to a pipe claims the largest size there is; some count a header into the samples."""
    for claim in (0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 2000 + 16):
        assert np.array_equal(decode(wav(RAMP, claim=claim), 16000, 1000), RAMP)
    with pytest.raises(UnreadableFileError, match="truncated"):
        decode(wav(RAMP, claim=2000 + 44), 16000, 1000)


def test_chunks_before_the_samples_are_passed(wav):
    plain = wav(RAMP)
    more = plain[:36] + b"LIST\x05\0\0\0hello\0" + plain[36:]
    assert np.array_equal(decode(more, 16000, 1000), RAMP)
    with pytest.raises(UnreadableFileError, match="truncated: 500 of 1,000 frames"):
        decode(more[:-1000], 16000, 1000)


def test_header_says_length_and_rate(wav):
    found = read_header(wav(RAMP, rate=8000))
    assert (found.sample_rate_hz, found.frames, found.channels, found.seconds) == (8000, 1000, 1, 0.125)


@pytest.mark.parametrize("name", ["soundfile", "soxr"])
def test_a_missing_library_is_one_line(wav, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"reading audio needs {name}: pip install 'contramix\[audio\]'"):
        decode(wav(RAMP, rate=8000), 16000, 16000)
