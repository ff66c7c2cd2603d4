"""Files that were made to harm: what they are named is never what they are."""

import base64
import struct
from pathlib import Path

from tests.worker.media.clips import AAC, H264, PICTURE, make


def playlist(*entries: str) -> bytes:
    """Return an HLS playlist of these segments of two seconds."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2"]
    for entry in entries:
        lines += ["#EXTINF:2,", entry]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()


def master(entry: str) -> bytes:
    """Return an HLS master playlist with one child."""
    return f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n{entry}\n".encode()


def inline(text: bytes) -> str:
    """Return an address that holds a playlist itself; what follows its end is there for checks of its ending."""
    padded = text + b"\n" * (1 + -len(text) % 3)
    return f"data:application/vnd.apple.mpegurl;base64,{base64.b64encode(padded).decode()}.m3u8"


def concat(*entries: str) -> bytes:
    """Return a list for the concat demuxer."""
    return "\n".join(["ffconcat version 1.0", *(f"file '{entry}'" for entry in entries), ""]).encode()


def dash(entry: str) -> bytes:
    """Return an MPEG-DASH manifest."""
    return f"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
 mediaPresentationDuration="PT10S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period><AdaptationSet
 mimeType="video/mp4"><Representation id="1" bandwidth="1000"><BaseURL>{entry}</BaseURL></Representation>
 </AdaptationSet></Period></MPD>""".encode()


def session(host: str, port: int) -> bytes:
    """Return an SDP description that asks to listen to somebody."""
    return f"v=0\no=- 0 0 IN IP4 {host}\ns=x\nc=IN IP4 {host}\nt=0 0\nm=video {port} RTP/AVP 96\n".encode()


def composition(entry: str) -> bytes:
    """Return an IMF composition playlist."""
    return f"""<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2013">
 <Id>urn:uuid:00000000-0000-0000-0000-000000000001</Id><Annotation>{entry}</Annotation></CompositionPlaylist>""".encode()


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a RIFF chunk."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def avi_with_subtitles(text: bytes, picture: bytes, side: int) -> bytes:
    """Return an AVI of three frames, each this JPEG, whose subtitles hold a file of any other format.

    VirtualDub wraps them so (GAB2); FFmpeg opens what is inside with a demuxer of its own.
    """
    video_head = struct.pack("<4s4sIHH8I4H", b"vids", b"MJPG", 0, 0, 0, 0, 1, 25, 0, 3, 10_000, 0, 0, 0, 0, side, side)
    video_form = struct.pack("<IiiHH4sIiiII", 40, side, side, 1, 24, b"MJPG", 3 * side * side, 0, 0, 0, 0)
    text_head = struct.pack("<4s4sIHH8I4H", b"txts", b"", 0, 0, 0, 0, 1, 25, 0, 3, 10_000, 0, 0, 0, 0, 0, 0)
    main = struct.pack("<14I", 40_000, 0, 0, 0x10, 3, 0, 2, 0, side, side, 0, 0, 0, 0)
    streams = [
        chunk(b"LIST", b"strl" + chunk(b"strh", head) + chunk(b"strf", form))
        for head, form in ((video_head, video_form), (text_head, b""))
    ]
    name = "a\0".encode("utf-16-le")
    wrapped = b"GAB2\0" + struct.pack("<HI", 2, len(name)) + name + struct.pack("<HI", 4, len(text)) + text
    movie = b"movi" + chunk(b"01tx", wrapped) + 3 * chunk(b"00dc", picture)
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + b"".join(streams)) + chunk(b"LIST", movie)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav(channels: int, rate: int, *, claimed_bytes: int = 4000) -> bytes:
    """Return a WAV of half a kilobyte that claims what it likes."""
    form = struct.pack("<HHIIHH", 1, channels, rate, min(rate * channels * 2, 2**32 - 1), min(channels * 2, 65_535), 16)
    data = b"data" + struct.pack("<I", claimed_bytes) + bytes(4000)
    body = b"WAVE" + chunk(b"fmt ", form) + data
    return b"RIFF" + struct.pack("<I", min(claimed_bytes + 36, 2**32 - 1)) + body


def mp4_without_streams() -> bytes:
    """Return an MP4 whose movie header stands alone."""
    header = struct.pack(">II", 108, 0x6D766864) + bytes(12) + struct.pack(">II", 1000, 10_000) + bytes(80)
    return b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + struct.pack(">I4s", 8 + len(header), b"moov") + header


def with_foreign_data(movie: Path) -> bytes:
    """Return an MP4 without samples that says that they lie in another one: a data reference of the kind `alis`."""
    content = bytearray(movie.read_bytes())
    samples = content.find(b"mdat")
    [size] = struct.unpack(">I", content[samples - 4 : samples])
    content[samples + 4 : samples - 4 + size] = bytes(size - 8)
    name, path = movie.name.encode(), str(movie).encode()
    alias = bytes(8) + bytes(2) + bytes([len(b"disk")]) + b"disk".ljust(27, b"\0") + bytes(12)
    alias += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    alias += struct.pack(">hh", 2, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">hh", -1, 0)
    reference = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    made = bytes(content)
    while (at := made.find(b"url \0\0\0\x01")) > 0:
        made = _replaced(made, at - 4, 12, reference)
    return made


def _replaced(movie: bytes, start: int, length: int, replacement: bytes) -> bytes:
    """Replace a piece, and let every box around it be as long as it is then. The movie stands behind the samples."""
    grown = len(replacement) - length
    changed = bytearray(movie[:start] + replacement + movie[start + length :])
    begin, end = 0, len(movie)
    while begin < end:
        size, name = struct.unpack(">I4s", movie[begin : begin + 8])
        if not begin < start < begin + size:
            begin += size
            continue
        struct.pack_into(">I", changed, begin, size + grown)
        begin, end = begin + (16 if name == b"dref" else 8), begin + size
        if name == b"dref":
            break
    return bytes(changed)


def hundred_hours(folder: Path) -> Path:
    """Return a clip whose last frames come a hundred hours after the first."""
    late = "setpts=PTS+if(gte(N\\,10)\\,360000/TB\\,0)"
    return make(folder / "long.mkv", "-vf", late, "-fps_mode", "passthrough", *H264, "-an")


def begins_late(folder: Path) -> Path:
    """Return an FLV whose frames are composed 100 s before they are decoded: as 32 bits, after 49 days."""
    content = bytearray(make(folder / "plain.flv", *H264, "-an", sources=PICTURE).read_bytes())
    at = 13
    while at + 11 < len(content):
        size = int.from_bytes(content[at + 1 : at + 4], "big")
        if content[at] == 9 and content[at + 12] == 1:
            content[at + 13 : at + 16] = (-100_000 & 0xFFFFFF).to_bytes(3, "big")
        at += 11 + size + 4
    (folder / "late.flv").write_bytes(content)
    return folder / "late.flv"


def begins_early(folder: Path) -> Path:
    """Return a Matroska file whose first cluster says that its time is a hundred seconds before zero."""
    path = make(folder / "early.mkv", *H264, "-an", "-live", "1", sources=PICTURE)
    content = path.read_bytes()
    cluster, zero, early = b"\x1f\x43\xb6\x75", b"\xe7\x81\0", b"\xe7\x88" + (-100_000).to_bytes(8, signed=True)
    at = content.index(cluster) + len(cluster)
    begins = content.index(zero, at)
    size = int.from_bytes(content[at:begins]) + len(early) - len(zero)
    path.write_bytes(content[:at] + size.to_bytes(begins - at) + early + content[begins + len(zero) :])
    return path


def many_attachments(folder: Path) -> Path:
    """Return a Matroska file with forty fonts in it."""
    font = folder / "font.ttf"
    font.write_bytes(b"\0\1\0\0" + bytes(500))
    words = [word for _ in range(40) for word in ("-attach", str(font))]
    return make(folder / "attached.mkv", *words, "-metadata:s:t", "mimetype=font/ttf", *H264, *AAC)


def one_attachment(folder: Path, name: str) -> Path:
    """Return a Matroska file with one attachment that names itself as it likes."""
    font = folder / "font.ttf"
    font.write_bytes(b"\0\1\0\0" + bytes(500))
    tags = ("-metadata:s:t", "mimetype=font/ttf", "-metadata:s:t", f"filename={name}")
    return make(folder / "one.mkv", "-attach", font, *tags, *H264, *AAC)


def grows(folder: Path) -> Path:
    """Return a transport stream of 25 frames of 320×180 and then two of 8192×4608."""
    small = make(folder / "small.ts", *H264, "-an", sources=("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1"))
    large = make(folder / "large.ts", *H264, "-an", sources=("-f", "lavfi", "-i", "color=s=8192x4608:r=25:d=0.08"))
    target = folder / "grows.ts"
    target.write_bytes(small.read_bytes() + large.read_bytes())
    return target


def vast(folder: Path) -> Path:
    """Return a transport stream with one frame of 12000×12000: half a megabyte."""
    picture = ("-f", "lavfi", "-i", "color=s=12000x12000:r=1:d=1")
    return make(folder / "vast.ts", *H264, "-frames:v", "1", sources=picture)


def jpeg(folder: Path, side: int) -> bytes:
    """Return a grey picture as an AVI holds its frames."""
    words = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "mjpeg")
    grey = ("-f", "lavfi", "-i", f"color=0x808080:s={side}x{side}:r=25:d=0.04")
    return make(folder / "frame.jpg", *words, sources=grey).read_bytes()
