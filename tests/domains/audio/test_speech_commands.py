"""Compare labels, splits and speakers of official layouts with the lists that come with the data."""

from collections import Counter
from pathlib import Path

import pytest

from contramix.domains.audio.speech_commands import infer_labels, split_by_hash, ten_words
from contramix.errors import InputError
from contramix.io.media.listing import MediaFiles, list_media_files
from contramix.io.media.media_file import MediaFile

DATA = Path(__file__).parents[4] / "shared" / "data"


def need(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs {name} in a folder shared/data beside the repository")
    return path


def found(names, **lists):
    def item(name, data=b""):
        return MediaFile(name, lambda: data)

    others = {name.replace("__", "/") + ending: item(name.replace("__", "/") + ending, text.encode())
              for name, text in lists.items() for ending in [".csv" if name.endswith("split") else ".txt"]}  # fmt: skip
    return MediaFiles("here", tuple(map(item, names)), others)


SPOKEN = ["yes/0a2b400e_nohash_0.wav", "yes/0a2b400e_nohash_1.wav", "no/3411cf4b_nohash_0.wav",
          "tree/b4ea0d9a_nohash_2.wav", "_background_noise_/pink_noise.wav"]  # fmt: skip


def test_published_hash_is_split_csv():
    """Every file's part by the hash rule is that of the list that lies beside the data."""
    listed = list_media_files(need("speech_commands"), {".wav"})
    (csv,) = listed.sidecars.values()
    rows = [line.split(",") for line in csv.read().decode().splitlines()[1:]]
    names = {"training": "train", "testing": "test", "validation": "valid"}
    assert len(rows) == 1800
    assert [split_by_hash(row[0]) for row in rows] == [names[row[2]] for row in rows]
    sounds = infer_labels(listed)
    by_name = {row[0]: row for row in rows}
    for item, label, part, speaker in zip(sounds.files, sounds.labels, sounds.splits, sounds.speakers):
        row = by_name[item.name]
        assert (label, part, speaker) == (row[1], names[row[2]], row[3])
    without = infer_labels(MediaFiles("", listed.files, {}))
    assert (without.labels, without.splits, without.speakers) == (sounds.labels, sounds.splits, sounds.speakers)


def test_hash_is_the_published_one():
    """Written out: SHA-1 as a number, modulo 2^27, as a percentage of 2^27 - 1."""
    from hashlib import sha1

    for speaker in ("00176480", "ffd2ba2f", "3411cf4b", "abc123"):
        percent = int(sha1(speaker.encode()).hexdigest(), 16) % 2**27 * 100 / (2**27 - 1)
        expected = "valid" if percent < 10 else "test" if percent < 20 else "train"
        assert split_by_hash(f"any/{speaker}_nohash_3.wav") == expected
    shares = Counter(split_by_hash(f"a/{k:08x}_nohash_0.wav") for k in range(5000))
    assert shares["valid"] / 5000 == pytest.approx(0.1, abs=0.02)
    assert shares["test"] / 5000 == pytest.approx(0.1, abs=0.02)


def test_spoken_digits_have_their_official_test_part():
    sounds = infer_labels(list_media_files(need("fsdd"), {".wav"}))
    assert Counter(sounds.splits) == {"train": 2700, "test": 300}
    assert Counter(sounds.labels) == dict.fromkeys("0123456789", 300)
    assert len(set(sounds.speakers)) == 6
    for item, label, part, speaker in zip(sounds.files, sounds.labels, sounds.splits, sounds.speakers):
        digit, name, number = item.name.removeprefix("recordings/").removesuffix(".wav").split("_")
        assert (label, speaker) == (digit, name)
        assert part == ("test" if number in set("01234") else "train")


def test_lists_say_parts():
    """validation_list.txt and testing_list.txt hold before the hash; noises are no records."""
    sounds = infer_labels(found(["v1/" + name for name in SPOKEN], v1__validation_list="no/3411cf4b_nohash_0.wav\n",
                          v1__testing_list="yes/0a2b400e_nohash_0.wav\nyes/0a2b400e_nohash_1.wav\n"))  # fmt: skip
    assert sounds.splits == ["test", "test", "valid", "train"]
    assert sounds.labels == ["yes", "yes", "no", "tree"]
    assert [item.name for item in sounds.background] == ["v1/_background_noise_/pink_noise.wav"]
    assert len(sounds.files) == 4


def test_split_csv_says_labels_and_parts_of_any_names():
    csv = "path,label,split\na/1.wav,cat,training\na/2.wav,dog,Validation\nb/3.wav,cat,testing\ngone.wav,dog,test\n"
    sounds = infer_labels(found(["a/1.wav", "a/2.wav", "b/3.wav", "b/4.wav"], split=csv))
    assert sounds.labels == ["cat", "dog", "cat", None]
    assert sounds.splits == ["train", "valid", "test", None]
    assert sounds.notes == ("split.csv: 1 of its files are missing",
                            "1 files are not in split.csv, and have no split")  # fmt: skip
    other = infer_labels(found(["a/1.wav", "b/2.wav"], split="name,value\n1,2\n"))
    assert (other.labels, other.splits) == (["a", "b"], None)
    foreign = infer_labels(found(["a/1.wav", "b/2.wav"], split="path,split\nx.wav,train\n"))
    assert "names none of the files" in foreign.notes[0]


def test_a_broken_list_is_named():
    broken = MediaFiles(
        "here", (MediaFile("1.wav", bytes),), {"split.csv": MediaFile("split.csv", lambda: b"path,\xff\xfe")}
    )
    with pytest.raises(InputError, match=r"here: split\.csv: .*UTF-8"):
        infer_labels(broken)


def test_other_folders_are_classes_and_parts():
    sounds = infer_labels(found(["train/cat/1.wav", "train/dog/1.wav", "test/cat/2.wav"]))
    assert (sounds.labels, sounds.splits, sounds.speakers) == (["cat", "dog", "cat"], ["train", "train", "test"], None)
    flat = infer_labels(found(["1.wav", "2.wav"]))
    assert (flat.labels, flat.splits, flat.speakers) == (None, None, None)


def test_ten_words():
    names = [f"{word}/{k:08x}_nohash_0.wav" for word in ("yes", "go", "bed", "tree") for k in range(100)]
    sounds = infer_labels(found(names))
    task = ten_words(sounds)
    training = sounds.splits.count("train")
    assert Counter(task.labels) == {"yes": 100, "go": 100, "unknown": 200, "silence": training // 10}
    assert len(task.files) == len(task.labels) == len(task.splits) == len(task.speakers) == 400 + training // 10
    assert {part for part, label in zip(task.splits, task.labels) if label == "silence"} == {"train"}
    with pytest.raises(InputError, match="none of its ten words"):
        ten_words(infer_labels(found(["cat/1.wav", "dog/2.wav"])))
