"""From a file of subtitles to cues: decoded, parsed, and rid of all that is not text and its plainest look."""
