"""probe: look into the file and tell."""

from shared.operations.probe import Params, Result
from worker.context import Context
from worker.media.source import open_media


def run(params: Params, context: Context) -> Result:
    """Return what the file holds. MediaEmpty, MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits."""
    context.progress("probe", 0.0)
    found = open_media(context.input(params.media).path, context.cancel, location=params.location)
    return Result(facts=found.facts)
