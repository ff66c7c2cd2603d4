"""spawns: starts a process in a group of its own and waits for it; obeys by killing the group."""

from tests.broken.contract import contract

OPERATION = contract("spawns", "Starts a process in a group of its own and waits for it; obeys by killing the group.")
