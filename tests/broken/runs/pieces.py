"""pieces: writes one file after another, then the list of them."""

from tests.broken.contracts.pieces import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Name each piece in the list as it lies on disk."""
    names = []
    for n in range(params.count):
        path = context.further("piece")
        path.write_bytes(b"piece %d" % n)
        names.append(path.name)
    context.output("text").write_text("\n".join(names))
    return Result()
