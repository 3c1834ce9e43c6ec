"""Test reading lines of files as labels, texts or tables, and compressed, foreign or binary files."""

import bz2
import gzip
import lzma

import pytest

from contramix.domains.text.decoding import decode_text, decompress, read_beginning, split_lines
from contramix.domains.text.labeled_lines import is_prose, split_labels
from contramix.io.media import archives
from contramix.io.media.media_file import UnreadableFileError

LABELLED = {
    "numbers": ["0 a dull film", "1 warm and funny", "1 a joy", "0 long"],
    "TREC's own": ["DESC:manner How did it end ?", "HUM:ind Who was she ?", "HUM:ind Who was he ?"],
    "fastText's": ["__label__good a joy", "__label__bad no joy", "__label__good fine"],
    "tabs": ["1\ta joy to see", "0\tno joy"],
    "one class": ["1 a joy", "1 fine work"],
    "words, each often": [f"{'pos' if n % 2 else 'neg'} film number {['one', 'two'][n % 2]}" for n in range(20)],
    "an empty text": ["1 a fine joy", "0", "0 no joy", "1 so fine"],
}
UNLABELLED = {
    "sentences": ["I came home", "I saw it", "I won", "You lost"],
    "many labels": [f"{n} a line of words" for n in range(9)],
    "no words": ["1 0.5 3.2", "0 0.1 7.7"],
    "sparse rows": ["1 3:0.5 7:1", "0 2:1 9:0.25"],
    "a CSV": ["39, State-gov, 77516", "50, Private, 83311", "39, Private, 2"],
    "coded columns": ["A11 6 A34 A43 1169", "A12 48 A32 A43 5951", "A11 12 A34 A46 2096"] * 9,
    "an empty line": ["1 a fine joy", "", "0 no joy"],
    "nothing": [],
}


@pytest.mark.parametrize("lines", LABELLED.values(), ids=LABELLED)
def test_labels_are_taken_off(lines):
    texts, labels = split_labels(lines)
    pairs = [(line.replace("\t", " ") + " ").split(" ", 1) for line in lines]
    assert labels == [label for label, _ in pairs]
    assert texts == [text.strip() for _, text in pairs]


@pytest.mark.parametrize("lines", UNLABELLED.values(), ids=UNLABELLED)
def test_what_could_be_text_stays_text(lines):
    assert split_labels(lines) == (lines, None)


@pytest.mark.parametrize(
    ("lines", "prose"),
    [
        (["Well, it rained.", "So we stayed in, and read, and slept."], True),
        (["ein Wort", "ein anderes Wort"], True),
        (["今天下雨了", "我们在家"], True),
        (["a,b", "c,d"], False),
        (["a\tb", "c\td"], False),
        (["name;town", "ann;ulm", "bob;bonn"], False),
        (["1 0.5", "2 0.25"], False),
        (["0.5", "0.25"], False),
        (["1, 1", "1, 2"], False),
        ([], False),
    ],
)
def test_prose_is_told_from_tables(lines, prose):
    assert is_prose(lines) is prose


def test_only_line_feeds_end_a_line():
    assert split_lines("a\x85b\u2028c\x0bd\r\ne\rf\n\n \n") == ["a\x85b\u2028c\x0bd", "e\rf"]
    assert split_lines("") == split_lines("\n\n") == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, lambda data: data])
def test_packed_bytes_are_unpacked(pack, tmp_path):
    data = "zeile für zeile\n".encode() * 2000
    assert decompress(pack(data)) == data
    (tmp_path / "x").write_bytes(pack(data))
    start = read_beginning(str(tmp_path / "x"), 1000)
    assert start == data[: len(start)]
    assert 900 < len(start) <= 1000
    assert start.endswith(b"\n")


def test_damaged_and_bloated_bytes_are_refused(monkeypatch):
    packed = gzip.compress(bytes(range(256)) * 400)
    with pytest.raises(UnreadableFileError, match="cannot be decompress"):
        decompress(packed[:-20])
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    with pytest.raises(UnreadableFileError, match="decompression bomb"):
        decompress(bz2.compress(bytes(2 << 20)))


def test_text_is_utf8_or_latin_1_or_as_told():
    assert decode_text("\ufeffgrün".encode()) == ("grün", False)
    assert decode_text("grün".encode("latin-1")) == ("grün", True)
    assert decode_text("žluť".encode("cp1250"), "cp1250") == ("žluť", False)
    assert decode_text("grün".encode("utf-16"), "utf-16") == ("grün", False)
    for data, encoding, word in [
        (b"a\0b", None, "NUL"),
        ("grün".encode("utf-16"), None, "`encoding='utf-16'`"),
        (b"\xff\xfe\xfd", "utf-8", "is not utf-8"),
    ]:
        with pytest.raises(UnreadableFileError, match=word):
            decode_text(data, encoding)
