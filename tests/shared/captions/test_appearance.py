"""What may be asked of captions' looks."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.captions.appearance import Appearance, Font
from shared.captions.families import DEFAULT_FAMILY, FAMILIES
from shared.captions.safe_areas import SafeArea, insets


def test_an_unknown_family_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError) as refused:
        Appearance.model_validate({"font": {"family": "Comic Sans"}})
    [fault] = refused.value.errors()
    assert fault["loc"] == ("font", "family")
    assert all(family in fault["msg"] for family in FAMILIES)


def test_a_family_is_known_in_any_case_of_letters() -> None:
    assert Font(family="bebas neue").family == "Bebas Neue"
    assert DEFAULT_FAMILY in FAMILIES


@pytest.mark.parametrize("colour", ["#FFF", "#fff8", "#1A2b3C", "#1A2B3C80"])
def test_colours_have_three_four_six_or_eight_digits(colour: str) -> None:
    assert Appearance.model_validate({"colours": {"text": colour}}).colours.text == colour


@pytest.mark.parametrize(
    "wrong",
    [
        {"colours": {"text": "red"}},
        {"colours": {"text": "#12345"}},
        {"colours": {"text": "#FFFFFF}{\\p1"}},
        {"font": {"family": "/usr/share/fonts/x.ttf"}},
        {"font": {"size_px": 7}},
        {"font": {"size_percent": 31}},
        {"position": {"anchor": "somewhere"}},
        {"position": {"x": 1.5}},
        {"position": {"safe_area": "myspace"}},
        {"lines": {"max_words": 0}},
        {"replace": [{"find": "", "put": "x"}]},
        {"mask": ["x" * 101]},
        {"style": "disco"},
        {"colour": {}},
    ],
)
def test_what_does_not_exist_can_not_be_asked_for(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Appearance.model_validate(wrong)


@pytest.mark.parametrize("area", list(SafeArea))
def test_every_safe_area_leaves_room(area: SafeArea) -> None:
    inset = insets(area)
    assert inset.left + inset.right < 0.5
    assert inset.top + inset.bottom < 0.5
