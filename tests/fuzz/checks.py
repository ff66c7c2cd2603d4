"""What schemathesis checks beside its own checks: every refusal is a problem with a code that was announced."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response


@schemathesis.check
def refusals_are_announced_problems(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Fail on a 4xx or 5xx that is no problem+json, or whose code the description does not name for that status."""
    if response.status_code < 400:
        return
    told = case.operation.definition.raw["responses"].get(str(response.status_code))
    content = (told or {}).get("content", {})
    if told is not None and "application/problem+json" not in content:
        return  # a described answer of another kind: 502 of the compatible routes
    media_type = response.headers.get("content-type", ["none"])[0]
    assert media_type == "application/problem+json", f"{response.status_code} came as {media_type}"
    problem = response.json()
    assert problem["status"] == response.status_code
    announced = content.get("application/problem+json", {}).get("examples", {})
    if response.status_code != 405:  # a method that is not there has no place in the description
        assert problem["code"] in announced, f"{response.status_code} {problem['code']} was not announced"
