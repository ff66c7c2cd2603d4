"""What a user installs: the client, whose names are here and loaded when they are asked for, and the command."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from revela.client.public import *  # noqa: F403 - its __all__ is the list
else:

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        from revela.client import public

        if name not in public.__all__:
            raise AttributeError(f"revela has no {name}")
        return getattr(public, name)
