"""Both clients, one after the other."""

import pytest

from tests.revela.client.both import Caller, call_asynchronous, call_blocking


@pytest.fixture(params=[call_blocking, call_asynchronous], ids=["blocking", "asynchronous"])
def call(request: pytest.FixtureRequest) -> Caller:
    """Calls a method of a client."""
    caller: Caller = request.param
    return caller
