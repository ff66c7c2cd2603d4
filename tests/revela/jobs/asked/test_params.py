"""From `--param` to the parameters of a job."""

import pytest

from revela.failures import UsageFault
from revela.jobs.asked.params import params_named


@pytest.mark.parametrize(
    ("texts", "params"),
    [
        (["font.family=Inter"], {"font": {"family": "Inter"}}),
        (["font.family=Inter", "font.italic=true"], {"font": {"family": "Inter", "italic": True}}),
        (['font={"family": "Inter"}', "font.italic=true"], {"font": {"family": "Inter", "italic": True}}),
        (["font.italic=true", 'font={"family": "Inter"}'], {"font": {"italic": True, "family": "Inter"}}),
        (["a.b.c=1", "a.b.d=x=y.z", "a.e=2.5"], {"a": {"b": {"c": 1, "d": "x=y.z"}, "e": 2.5}}),
        (["fps=30", "fps=30", "focus.x=0", "focus.x=0"], {"fps": 30, "focus": {"x": 0}}),
    ],
)
def test_a_dotted_name_reaches_into_what_holds_fields(texts: list[str], params: dict[str, object]) -> None:
    assert params_named(texts) == params


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["fps=30", "fps=25"], "--param fps: fps can't be both 30 and 25"),
        (['font={"family": "Anton"}', "font.family=Inter"], 'family: font.family can\'t be both "Anton" and "Inter"'),
        (["font=Inter", "font.family=Inter"], '--param font.family: font can\'t be both "Inter" and {"family": "Inter'),
        (["font.family=Inter", "font=null"], '--param font: font can\'t be both {"family": "Inter"} and null'),
    ],
)
def test_two_values_of_one_parameter_are_refused_and_both_are_told(texts: list[str], told: str) -> None:
    with pytest.raises(UsageFault) as refused:
        params_named(texts)
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["novalue", "=1", "", ".a=1", "a.=1", "a..b=1"])
def test_a_param_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(UsageFault, match="key=value"):
        params_named([text])
