"""Compare tokens with the tokenizers library, and test padding, counts and saving as JSON."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.feature_extraction.text import TfidfTransformer
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from contramix.domains.text import tokenizer as tokenizing
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec, decode_counts
from contramix.errors import InputError

AUTO = TextSettings()
WORDS = ["rain", "snow", "wind", "fell", "on", "the", "hills", "and", "seas", "again"]


def texts(rows=200, seed=0):
    """Of one to twelve words."""
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 13))) for _ in range(rows)]


def table(values):
    return pa.table({"text": pa.array(values, pa.large_string())})


def described(values, settings=AUTO, **also):
    return TextSpec.learn(table(values), settings, **also)


@pytest.fixture(scope="module")
def spec():
    return described(texts())[0]


def test_tokens_are_those_of_the_tokenizer_padded_with_0(spec):
    values = [*texts(30, seed=1), "", "Ärger 日本 \U0001f600", "the [PAD] <pad>"]
    x = spec.tensorize(table(values))
    assert (x.dtype, x.shape) == (torch.int32, (33, spec.max_tokens))
    library = Tokenizer.from_str(spec.tokenizer)
    for row, text in zip(x.tolist(), values):
        ids = [1 + number for number in library.encode(text).ids][: spec.max_tokens]
        assert row == ids + [0] * (spec.max_tokens - len(ids))
    assert int(x.max()) < spec.vocabulary == spec.inputs().tokens
    assert not x[30].any()


def test_any_text_can_be_written_in_tokens_and_comes_back(spec):
    library = Tokenizer.from_str(spec.tokenizer)
    text = "rain \U0001f600 日本 \x00 end"
    assert library.decode(library.encode(text).ids).strip() == text


def test_capitals_count_only_if_asked_for():
    for lowercase in (True, False):
        x = (spec := described([*texts(), "THE HILLS"], TextSettings(lowercase=lowercase))[0]).tensorize(
            table(["the hills", "THE HILLS", "  the hills "])
        )
        assert torch.equal(x[0], x[1]) is lowercase
        assert torch.equal(x[0], x[2])
        assert spec.vocabulary <= AUTO.vocabulary


def test_the_same_texts_give_the_same_specification_and_others_another(spec):
    assert described(texts())[0].model_dump_json() == spec.model_dump_json()
    assert described(texts(seed=5))[0] != spec
    assert described(texts(), extra_rows=table(["zebra zebra zebra"]))[0].tokenizer != spec.tokenizer


def test_max_tokens_is_what_99_in_100_need():
    values = ["rain"] * 197 + ["rain rain"] + ["rain " * 40] * 2
    spec, notes = described(values)
    assert (spec.max_tokens, notes) == (2, ("2 texts are longer than 2 tokens and are truncated",))
    assert described(["rain " * 500] * 10)[0].max_tokens == 128
    spec, notes = described(["rain " * 500] * 10, TextSettings(max_tokens=300))
    assert spec.max_tokens == 300
    assert notes == ("10 texts are longer than 300 tokens and are truncated",)


def test_empty_and_missing_texts_stay_records_and_are_said(spec):
    made, notes = described([*texts(), "", None])
    assert (made.rows, notes) == (202, ("2 texts are empty or missing; they stay records without tokens",))
    assert not made.tensorize(table(["", None])).any()
    assert spec.input_notes(table(["rain", "", None, "rain " * 999])) == (
        f"1 texts are longer than {spec.max_tokens} tokens and are truncated",
        "2 texts are empty or missing; they stay records without tokens",
    )
    assert spec.input_notes(table(texts(9))) == ()
    for nothing in (["", None], []):
        with pytest.raises(InputError, match=r"are empty|no texts"):
            described(nothing)


def test_a_text_of_3_megabytes_is_its_start(spec):
    long = "rain and snow " * 220_000
    assert torch.equal(spec.tensorize(table([long])), spec.tensorize(table([long[:5000]])))
    made, notes = described([*texts(), long])
    assert made.max_tokens < 30
    assert notes == (f"{int(notes[0].split()[0])} texts are longer than {made.max_tokens} tokens and are truncated",)


def test_features_are_scikit_learns_tfidf(spec):
    x, library = spec.tensorize(table(texts())), Tokenizer.from_str(spec.tokenizer)
    whole, kept = (np.zeros((len(x), spec.vocabulary)) for _ in range(2))
    for row, text in enumerate(texts()):
        for number in library.encode(text).ids:
            whole[row, number + 1] += 1
        for number in x[row].tolist():
            kept[row, number] += number > 0
    there = whole.any(0)
    expected = TfidfTransformer(sublinear_tf=True).fit(whole).transform(kept).toarray()[:, there]
    mine = spec.features(x)
    assert mine.dtype == np.float32
    np.testing.assert_allclose(mine, expected, atol=1e-6)
    assert not spec.features(torch.zeros(2, spec.max_tokens, dtype=torch.int32)).any()


def test_documents_count_the_training_texts_that_have_a_token(spec):
    library, documents = Tokenizer.from_str(spec.tokenizer), np.zeros(spec.vocabulary, int)
    for text in texts():
        for number in set(library.encode(text).ids):
            documents[number + 1] += 1
    assert decode_counts(spec.documents).tolist() == documents.tolist()


def test_it_is_the_same_after_json(spec):
    again = TextSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert torch.equal(again.tensorize(table(texts(9))), spec.tensorize(table(texts(9))))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"tokenizer": "{}"}, "not a tokenizer's JSON"),
        ({"tokenizer": ""}, "not a tokenizer's JSON"),
        ({"vocabulary": 7}, "as many tokens"),
        ({"documents": "AAAA"}, "buffer size"),
        ({"documents": "AAAAAA=="}, "one count"),
        ({"max_tokens": 10**9}, "less than or equal"),
        ({"more": 1}, "not permitted"),
    ],
    ids=repr,
)
def test_a_damaged_specification_is_refused(spec, change, word):
    with pytest.raises(ValueError, match=word):
        TextSpec.model_validate_json(json.dumps(json.loads(spec.model_dump_json()) | change))


def test_a_tokenizer_that_lost_a_piece_is_refused(spec):
    found = json.loads(spec.model_dump_json())
    for change in ('"Ġrain"', '"merges"', '"BPE"'):
        damaged = json.dumps(found | {"tokenizer": found["tokenizer"].replace(change, '"lost"')})
        with pytest.raises(ValueError, match="not a tokenizer's JSON"):
            TextSpec.model_validate_json(damaged)


# ---------------------------------------------------------------- tokenizers of Hugging Face's


def words(padding, at):
    """A tokenizer of whole words with a pad token at a place, or none, and with [CLS] and [SEP] around a text."""
    names = ["[UNK]", "[CLS]", "[SEP]", *WORDS]
    if padding:
        names.insert(at, padding)
    vocabulary = {name: number for number, name in enumerate(names)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    if padding:
        made.enable_padding(pad_id=at, pad_token=padding, length=40)
    made.enable_truncation(3)
    return made


@pytest.mark.parametrize(("padding", "at", "shift"), [("[PAD]", 0, 0), ("<pad>", 0, 0), ("<pad>", 2, 1), (None, 0, 1)])
def test_a_tokenizer_of_hugging_faces_keeps_its_numbers_where_0_is_padding(tmp_path, padding, at, shift):
    theirs = words(padding, at)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ids = {text: theirs.token_to_id(text) for text in ("[CLS]", "[SEP]", "[UNK]", "rain", "fell")}
    expected = [ids[name] + shift for name in ("[CLS]", "rain", "fell", "[UNK]", "[SEP]")] + [0] * 3
    for name in (str(tmp_path), str(tmp_path / "tokenizer.json")):
        spec, notes = described([*texts(), "rain"], TextSettings(tokenizer=name, max_tokens=8))
        assert spec.tensorize(table(["rain fell zebra"]))[0].tolist() == expected
        assert spec.vocabulary == theirs.get_vocab_size() + shift
        assert notes[0].endswith("texts are longer than 8 tokens and are truncated")
    # What is cut keeps its end token.
    assert spec.tensorize(table(["rain " * 20]))[0, -1] == ids["[SEP]"] + shift


def test_a_tokenizer_that_cannot_be_had_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "noise.json").write_bytes(bytes(range(256)))
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "empty").mkdir()
    for name, word in {
        "noise.json": "cannot be read",
        "other.json": "not a tokenizer's JSON",
        "empty": "there is no file",
        "missing.json": "there is no file",
    }.items():
        with pytest.raises(InputError, match=rf"text\.tokenizer '.*{name}': {word}") as error:
            described(texts(), TextSettings(tokenizer=str(tmp_path / name)))
        assert "\n" not in str(error.value)

    class NoHub:
        class Tokenizer:
            @staticmethod
            def from_pretrained(name):
                raise OSError("no network\nand more")

    monkeypatch.setattr(tokenizing, "_tokenizers", lambda: NoHub)
    with pytest.raises(InputError, match=r"'bert-base': there is no such file, .* \(no network\)"):
        described(texts(), TextSettings(tokenizer="bert-base"))


def test_without_the_library_it_is_one_line(monkeypatch):
    import sys

    tokenizing.open_tokenizer.cache_clear()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"needs tokenizers: pip install 'contramix\[text\]'"):
        described(texts())
