"""Test the tables from JSON Lines files, and the line number in errors."""

import datetime as dt
import gzip

import pytest


def test_jsonl(csv_file, cells):
    lines = '{"a": 1, "b": "x", "c": true}\n{"a": 2.5, "b": null}\n\n{"c": false, "d": "2020-01-02"}\n'
    want = {
        "a": [1.0, 2.5, None],
        "b": ["x", None, None],
        "c": [True, None, False],
        "d": [None, None, dt.datetime(2020, 1, 2)],
    }
    for name in ("t.jsonl", "t.ndjson", "t.txt"):
        assert cells(csv_file(lines, name)) == want
    assert cells(csv_file(gzip.compress(lines.encode()), "t.jsonl.gz")) == want
    assert cells(csv_file('{"s": "é"}\n'.encode("latin-1"), "t.jsonl"), encoding="latin-1") == {"s": ["é"]}
    assert len(cells(csv_file('{"s": "' + "x" * 5_000_000 + '"}\n', "t.jsonl"))["s"][0]) == 5_000_000


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('{"a": 1}\n{"a": 2\n', ["line 2", "one object a line"]),
        ('{"a": 1}\n\n{"a": "x"}\n', ["line 3", "'a'", "text", "a number"]),
        ('{"a": 1}\n' * 250_000 + '{"a": "x"}\n', ["line 250001", "'a'"]),
        ('{"a": 1}\n[2]\n', ["line 2", "a list"]),
        ('{"a": 1}\n{"a": 2, "a": 3}\n', ["line 2", "'a'", "twice"]),
        ('{"a": {"b": 1}}\n', ["'a'", "struct"]),
        ('{"a": ["x"]}\n', ["'a'", "list"]),
        ('{"a": [1, 2]}\n{"a": [1]}\n', ["'a'", "different lengths", "row 2"]),
        (b'{"a": "x"}\n{"a": "\xe9"}\n', ["line 2", "0xe9", "`encoding"]),
        ('[{"a": 1}]', ["JSON array", "JSONL"]),
        ('[\n{"a": 1}]', ["JSON array", "JSONL"]),
        ("{}\n{}\n", ["no rows"]),
    ],
    ids=lambda v: v[-1] if isinstance(v, list) else "",
)
def test_broken_jsonl(csv_file, lines, words, one_line_error):
    one_line_error(csv_file(lines, "t.jsonl"), *words)
