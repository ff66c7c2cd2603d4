"""Looking into finished video files, through PyAV with its doors shut, and judging them."""

from dataclasses import dataclass
from pathlib import Path

import av
import av.error

from shared.errors import OutputInvalid

# Without these a file may name other files or addresses, and FFmpeg would open them.
_OPTIONS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts", "protocol_whitelist": "file"}


@dataclass(frozen=True, slots=True)
class VideoStream:
    """What a file's first video stream holds. `frames` are counted, not believed; colours are H.273 numbers."""

    codec: str
    width: int
    height: int
    pixel_format: str
    fps: float
    frames: int
    duration_s: float
    streams: int
    primaries: int
    transfer: int
    matrix: int
    range: int


def video(path: Path) -> VideoStream:
    """Return the facts of the video at `path`: all packets are counted, one frame is decoded.

    OutputInvalid if it is no video or its first frame can't be decoded.
    """
    try:
        with av.open(str(path), options=_OPTIONS) as container:
            stream = container.streams.video[0]
            times = [(packet.pts, packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None]
            container.seek(0)
            first = next(container.decode(stream))
            context = stream.codec_context
            start, end = min(pts for pts, _ in times), max(pts + length for pts, length in times)
            return VideoStream(
                codec=context.codec.canonical_name,
                width=first.width,
                height=first.height,
                pixel_format=first.format.name,
                fps=float(stream.average_rate or 0),
                frames=len(times),
                duration_s=float((end - start) * (stream.time_base or 0)),
                streams=len(container.streams),
                primaries=int(context.color_primaries),
                transfer=int(context.color_trc),
                matrix=int(context.colorspace),
                range=int(context.color_range),
            )
    except (av.error.FFmpegError, OSError, ValueError, IndexError, StopIteration) as failure:
        raise OutputInvalid(f"The video that was made can't be read back: {type(failure).__name__}.") from failure


def verified(
    path: Path, *, width: int, height: int, fps: int, frames: int, codec: str = "h264", streams: int = 1
) -> VideoStream:
    """Return the facts of the video at `path` if they are as ordered, else raise OutputInvalid.

    An encoder's good exit is no proof: one that ran short of memory may leave frames out and still end well.
    """
    found = video(path)
    wanted = {
        "codec": codec,
        "width": width,
        "height": height,
        "pixel_format": "yuv420p",
        "frames": frames,
        "streams": streams,
    }
    wrong = [
        f"{name} {getattr(found, name)}, not {value}" for name, value in wanted.items() if getattr(found, name) != value
    ]
    if abs(found.duration_s - frames / fps) > 0.5 / fps:
        wrong.append(f"{found.duration_s:.3f} s long, not {frames / fps:.3f} s")
    if wrong:
        raise OutputInvalid(f"The video that was made is not as ordered: {', '.join(wrong)}.")
    return found
