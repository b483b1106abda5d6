"""Guards text: normalising, words out of syllables, the dialects of MIDI lyrics, languages."""

import pytest

from ugaar.score.dialects import HYPHENATED, SPACES, WHOLE_WORDS, dialect_of, fragments_of
from ugaar.score.lyrics import (
    Fragment,
    fragment,
    normalise,
    strip_verse_number,
    syllables_and_words,
)
from ugaar.sources.language import language_of

HOLDS = ["_", "~", "+", "-"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Grace,", "grace"),
        ("don’t", "don't"),
        ("'Tis", "tis"),
        ("ry'", "ry"),
        ("GIO\u00adVI\u00ad", "giovi"),
        ("Se\u0301", "sé"),
        ("che͜i", "chei"),
        ("[D]i", "di"),
        ("12.", ""),
        ("—", ""),
        ("...''...", ""),
    ],
)
def test_normalise_keeps_letters_and_inner_apostrophes(written, expected):
    assert normalise(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("2. Der", "Der"), ("1) A", "A"), ("3 God", "God"), ("Der", "Der"), ("2.", "")],
)
def test_verse_number_is_no_text(written, expected):
    assert strip_verse_number(written) == expected


def _words(*lyrics):
    return syllables_and_words([(fragment(text, syllabic),) for text, syllabic in lyrics])


def test_words_join_begin_middle_end():
    syllables, words = _words(
        ("A", "begin"), ("ma", "middle"), ("zing", "end"), ("grace!", "single")
    )
    assert syllables == ["a", "ma", "zing", "grace"]
    assert words == ["amazing", "amazing", "amazing", "grace"]


def test_broken_marks_still_give_words():
    assert _words(("ho", "begin"), ("ly", "begin"), ("one", "end"))[1] == ["ho", "lyone", "lyone"]
    assert _words(("ing", "end"), ("God", "single"))[1] == ["ing", "god"]


def test_trailing_soft_hyphen_goes_on_where_syllabic_is_missing():
    assert _words(("pian\u00ad", "single"), ("ta", "single"), ("si", None))[1] == [
        "pianta",
        "pianta",
        "si",
    ]


def test_elision_is_one_syllable_of_the_word_it_ends():
    end_and_start = (Fragment("a", False, True), Fragment("in", True, True))
    syllables, words = syllables_and_words(
        [(Fragment("glo", True, False),), (Fragment("ri", False, False),), end_and_start]
    )
    assert syllables == ["glo", "ri", "ain"]
    assert words == ["gloria", "gloria", "gloria"]


def test_kept_melisma_repeats_syllable_and_word_once_each():
    held = (Fragment("la", True, True),)
    assert syllables_and_words([held, held]) == (["la", "la"], ["la", "la"])
    again = [(Fragment("la", True, False),), (Fragment("la", False, True),)]
    assert syllables_and_words(again) == (["la", "la"], ["lala", "lala"])


def test_lyric_without_letters_is_no_syllable():
    assert fragment("2.", "single") is None
    assert fragment("_", None) is None


def _read(texts):
    found = [item for item in fragments_of(texts, HOLDS) if item]
    return syllables_and_words(found)


@pytest.mark.parametrize(
    ("dialect", "texts"),
    [
        (SPACES, ["A", "ma", "zing ", "grace ", "how ", "sweet "]),
        (SPACES, ["A", "ma", "zing", " grace", " how", " sweet"]),
        (SPACES, ["\\A", "ma", "zing ", "grace", "/how ", "sweet"]),
        (HYPHENATED, ["A-", "ma-", "zing", "grace", "how", "sweet"]),
        (HYPHENATED, ["A-", "ma-", "zing", "grace\r", "how", "sweet\r\n"]),
        (HYPHENATED, ["A- ", "ma-", "zing ", "grace", "_", "how", "-", "sweet"]),
    ],
)
def test_dialects_read_the_same_words(dialect, texts):
    assert dialect_of(texts) == dialect
    syllables, words = _read(texts)
    assert syllables == ["a", "ma", "zing", "grace", "how", "sweet"]
    assert words == ["amazing", "amazing", "amazing", "grace", "how", "sweet"]


def test_whole_words_have_no_marks():
    texts = ["Amazing", "grace", "\r", "how", "sweet"]
    assert dialect_of(texts) == WHOLE_WORDS
    assert _read(texts)[1] == ["amazing", "grace", "how", "sweet"]


def test_holds_line_breaks_and_punctuation_start_no_syllable():
    found = fragments_of(["la ", "_", "~", "+", "-", "\r", "...", "di "], HOLDS)
    assert [item is not None for item in found] == [True, *[False] * 6, True]


def test_a_line_break_of_its_own_ends_the_word():
    assert _read(["sweet ", "the", "\n", "sound "])[1] == ["sweet", "the", "sound"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("und der herr ist mein gott und nicht die welt", "de"),
        ("and the lord is my shepherd and all of thy works", "en"),
        ("che il mio core non gli amor della", "it"),
        ("et in terra pax laudamus te domine deus qui tollis", "la"),
        ("la la la", "und"),
        ("", "und"),
    ],
)
def test_language_by_function_words(text, code):
    assert language_of(text.split()) == code
