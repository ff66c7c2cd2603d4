"""The operations that this worker can run: each contract joined to its `run`."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from shared.catalogue import Catalogue, module_names
from shared.errors import SettingsError
from shared.operation import AnyOperation
from shared.wire.model import WireModel
from worker.context import Context

BUILT_IN = "worker.operations"

Run = Callable[[Any, Context], WireModel]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RunnableOperation:
    """A contract and the function that fulfils it."""

    contract: AnyOperation
    run: Run


class Registry(Mapping[str, RunnableOperation]):
    """Runnable operations by name."""

    def __init__(self, operations: Mapping[str, RunnableOperation]) -> None:
        self._operations = dict(operations)

    def __getitem__(self, name: str) -> RunnableOperation:
        return self._operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    @classmethod
    def discover(cls, extra_packages: tuple[str, ...] = ()) -> "Registry":
        """Import `run` from each module NAME of the built-in package, and of ``PACKAGE.runs`` for each extra one.

        Everything heavy is imported here, before the first job. An operation whose module can't be imported
        (say, a library that this image lacks) is left out and logged; the others work. SettingsError for a module
        without a contract.
        """
        catalogue = Catalogue.discover(extra_packages)
        found: dict[str, RunnableOperation] = {}
        for package in (BUILT_IN, *(f"{extra}.runs" for extra in extra_packages)):
            for module in module_names(package):
                name = module.rpartition(".")[2]
                if name not in catalogue:
                    raise SettingsError(f"{module} has no contract of that name")
                if run := _import_run(module):
                    found[name] = RunnableOperation(catalogue[name], run)
        return cls(found)


def _import_run(module: str) -> Run | None:
    try:
        run: Run = importlib.import_module(module).run
    except ImportError as error:
        log.exception("operation.import_failed", module=module, missing=error.name)
        return None
    return run
