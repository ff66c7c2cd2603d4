"""What `docs/errors.md` says of each code, from the trees in `shared/errors.py` and `shared/refusals.py`."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import shared
from shared.errors import AdapterError, JobError, RevelaError
from shared.refusals import RequestError
from tests.project.pages.marked import table

E = TypeVar("E", bound=RevelaError)


def error_classes(root: type[E]) -> Iterable[type[E]]:
    """Return a class and all below it that belong to `shared`; where a code is refined, who says most of it."""
    for module in pkgutil.iter_modules(shared.__path__, "shared."):
        importlib.import_module(module.name)
    return {cls.code: cls for cls in _tree(root)}.values()


def refused_requests() -> str:
    """Return the table of what is refused with a 4xx."""
    rows = [(f"`{cls.code}`", str(cls.status), cls().detail) for cls in error_classes(RequestError)]
    return table(("code", "status", "meaning"), rows)


def ended_items() -> str:
    """Return the table of what ends an item or a job."""
    rows = [
        (f"`{cls.code}`", cls.stage, "yes" if cls.retryable else "no", cls().detail) for cls in error_classes(JobError)
    ]
    return table(("code", "stage", "retryable", "meaning"), rows)


def temporary_failures() -> str:
    """Return the table of what the server leans on and may fail."""
    return table(
        ("code", "status", "meaning"),
        [(f"`{cls.code}`", str(cls.status), cls().detail) for cls in error_classes(AdapterError)],
    )


def the_rest() -> str:
    """Return the table of the codes outside the three branches."""
    branches = (RequestError, JobError, AdapterError)
    others = [cls for cls in error_classes(RevelaError) if not issubclass(cls, branches)]
    return table(("code", "meaning"), [(f"`{cls.code}`", cls().detail) for cls in others])


def _tree(root: type[E]) -> Iterator[type[E]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("shared."):
            yield from _tree(child)


PARTS: Mapping[str, Callable[[], str]] = {
    "refused-requests": refused_requests,
    "ended-items": ended_items,
    "temporary-failures": temporary_failures,
    "the-rest": the_rest,
}
