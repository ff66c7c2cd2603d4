"""The error tree."""

from collections import Counter
from collections.abc import Iterator

import pytest

from shared.errors import AdapterError, JobError, RevelaError
from shared.refusals import RequestError
from shared.wire.problem import ErrorInfo


def tree(root: type[RevelaError]) -> Iterator[type[RevelaError]]:
    """Yield a class and all below it."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("shared."):
            yield from tree(child)


@pytest.mark.parametrize("error", list(tree(RevelaError)))
def test_every_error_speaks_a_sentence(error: type[RevelaError]) -> None:
    assert error().detail == str(error())
    assert error().detail.endswith((".", "errors", "them", "back"))
    assert error("this instead").detail == "this instead"


@pytest.mark.parametrize("branch", [RequestError, JobError, AdapterError])
def test_within_a_branch_codes_are_unique_among_what_is_raised(branch: type[RevelaError]) -> None:
    """A file that is none fails as an upload and in a job by the same code: to callers it is the same fault."""
    leaves = [error for error in tree(branch) if not error.__subclasses__()]
    assert [code for code, count in Counter(error.code for error in leaves).items() if count > 1] == []


def test_each_branch_keeps_to_its_statuses() -> None:
    assert all(400 <= error.status < 500 for error in tree(RequestError))
    assert all(error.status == 503 for error in tree(AdapterError))


@pytest.mark.parametrize("error", list(tree(JobError)))
def test_what_an_item_keeps_is_what_the_class_says(error: type[JobError]) -> None:
    info = ErrorInfo.of(error())
    assert (info.code, info.retryable, info.stage) == (error.code, error.retryable, error.stage)
