"""writes_too_much: writes more than its slot takes."""

from tests.broken.contract import contract

OPERATION = contract("writes_too_much", "Writes more than its slot takes.", max_bytes=1000)
