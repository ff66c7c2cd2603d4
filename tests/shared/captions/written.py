"""Subtitles as people write them."""

ASS_HEAD = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,20,&H00FFFFFF,&H00FFFFFF,&H0,&H0,0,0,0,0,100,100,0,0,1,2,2,2,10,10,10,1
Style: Aside,Arial,20,&H0000FFFF,&H0000FFFF,&H0,&H0,0,-1,0,0,100,100,0,0,1,2,2,8,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def srt(*texts: str, every_s: int = 2) -> str:
    """Return each text as a cue of `every_s` seconds from second 1 on, one after the other."""
    return "".join(
        f"{n + 1}\n00:00:{1 + n * every_s:02d},000 --> 00:00:{1 + (n + 1) * every_s:02d},000\n{text}\n\n"
        for n, text in enumerate(texts)
    )


def ass(text: str, style: str = "Default") -> str:
    """Return a script with one line from second 1 to 3."""
    return f"{ASS_HEAD}Dialogue: 0,0:00:01.00,0:00:03.00,{style},,0,0,0,,{text}\n"
