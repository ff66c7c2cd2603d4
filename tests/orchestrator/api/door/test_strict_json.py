"""JSON read strictly: what is right is read as by others, and nothing wrong takes long to refuse."""

import json

import pytest

from orchestrator.api.door.bodies import parse_json
from shared.refusals import InvalidJson


@pytest.mark.parametrize(
    "text",
    ['{"a": -0}', '{"a": 9007199254740992}', '{"a": 1e308}', '"\\ud83d\\ude00"', '"é"', "[" * 64 + "]" * 64, "null"],
)
def test_what_is_strict_json_is_read_as_by_others(text: str) -> None:
    assert parse_json(text.encode()) == json.loads(text)


def test_a_hundred_thousand_repeated_names_are_refused_in_no_time() -> None:
    names = ",".join(f'"{n}":0' for n in range(100_000))
    with pytest.raises(InvalidJson, match='"99999" stands twice'):
        parse_json(f'{{{names},"99999":0}}'.encode())
