"""The operations there are, found by looking into their packages; no list is edited."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from shared.errors import SettingsError
from shared.operation import AnyOperation

BUILT_IN = "shared.operations"


class Catalogue(Mapping[str, AnyOperation]):
    """Operations by name."""

    def __init__(self, operations: Mapping[str, AnyOperation]) -> None:
        self._operations = dict(sorted(operations.items()))

    def __getitem__(self, name: str) -> AnyOperation:
        return self._operations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    @classmethod
    def discover(cls, extra_packages: tuple[str, ...] = ()) -> "Catalogue":
        """Import every module of the built-in package, and of ``PACKAGE.contracts`` for each extra one.

        Each module holds one contract under the name ``OPERATION``. SettingsError for a package that can't
        be imported or a name that is taken twice.
        """
        found: dict[str, AnyOperation] = {}
        for package in (BUILT_IN, *(f"{extra}.contracts" for extra in extra_packages)):
            for name in module_names(package):
                operation: AnyOperation = importlib.import_module(name).OPERATION
                if operation.name in found:
                    raise SettingsError(f"two operations are named {operation.name}")
                found[operation.name] = operation
        return cls(found)


def module_names(package: str) -> list[str]:
    """Return the dotted names of the modules in `package`; SettingsError if there is no such package."""
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError as missing:
        raise SettingsError(f"there is no package of operations named {package}") from missing
    return [f"{package}.{module.name}" for module in pkgutil.iter_modules(root.__path__)]
