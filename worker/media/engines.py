"""What decodes and encodes one video; and the CPU for both where a GPU that works refuses this video."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import EncodeFailed, JobError, OutputInvalid
from shared.media.encoding import Codec, EncoderReport
from worker.media import decoder, encoder
from worker.media.decoder import Decoder
from worker.media.source import Source

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Engines:
    """An encoder, and a decoder: NOTHING where no video is decoded by FFmpeg."""

    codec: Codec
    encoder: EncoderReport
    decoder: Decoder

    @classmethod
    def chosen(cls, codec: Codec = Codec.H264, source: Source | None = None) -> "Engines":
        """Return the best that this machine has."""
        return cls(codec, encoder.choose(codec), decoder.NOTHING if source is None else decoder.choose(source))

    @property
    def use_cuda(self) -> bool:
        """Whether the GPU is opened."""
        return encoder.uses_cuda(self.encoder.name) or self.decoder.uses_cuda

    @property
    def reasons(self) -> list[str]:
        """Why these, one sentence each."""
        return [reason for reason in (self.encoder.reason, self.decoder.reason) if reason]

    def instead(self, failure: JobError) -> "Engines":
        """Return the CPU for both."""
        by_cpu = encoder.instead_of(self.encoder, failure, self.codec)
        return Engines(self.codec, by_cpu, decoder.instead_of(self.decoder, failure))


def run(engines: Engines, attempt: Callable[[Engines], Made]) -> tuple[Made, Engines]:
    """Return what `attempt` makes, and by which engines.

    A GPU that works may still refuse one video: too small a frame, or more at once than it allows. The CPU tries then.
    """
    try:
        return attempt(engines), engines
    except (EncodeFailed, OutputInvalid) as failure:
        if not engines.use_cuda:
            raise
        others = engines.instead(failure)
        return attempt(others), others
