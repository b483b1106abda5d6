"""Conditions of the tests of audio-sheet systems, and which sounds they ask for."""

from ugaar.conditions import Condition, conditions, folds_of_rendition, sounds

SECTION = {
    "train": ["piano", "organ"],
    "valid": "piano",
    "tested": ["clean", "noisy", "slow", "turned"],
    "conditions": {
        "never": {"rendition": "harpsichord"},
        "clean": {},
        "noisy": {"noise_db": 10},
        "slow": {"rendition": "tempo-50"},
        "turned": {"rotate": 1.5, "blur": 2.0},
    },
}


def test_a_condition_is_heard_in_the_validation_rendition_unless_it_names_another():
    found = conditions(SECTION)
    assert found["clean"] == Condition("clean", "piano", None, {})
    assert found["slow"].sound == "tempo-50"
    assert found["noisy"].sound == "piano-10dB"
    assert found["turned"].look == {"rotate": 1.5, "blur": 2.0}
    assert found["turned"].sound == "piano"


def test_conditions_come_in_the_order_of_the_test():
    found = conditions({**SECTION, "tested": ["slow", "clean"]})
    assert list(found) == ["slow", "clean"]


def test_every_sound_is_made_once_and_for_the_folds_that_need_it():
    found = {name: sound.folds for name, sound in sounds(SECTION).items()}
    assert found == {
        "organ": ("train",),
        "piano": ("test", "train", "valid"),
        "piano-10dB": ("test",),
        "tempo-50": ("test",),
    }


def test_noise_needs_the_rendition_it_is_added_to():
    assert folds_of_rendition(SECTION, "tempo-50") == ["test"]
    assert folds_of_rendition(SECTION, "organ") == ["train"]
    assert folds_of_rendition(SECTION, "piano") == ["train", "valid", "test"]
