"""exits_hard: takes the whole worker process along; only the first time, if it has a marker."""

from tests.broken.contract import contract

OPERATION = contract("exits_hard", "Takes the whole worker process along; only the first time, if it has a marker.")
