"""From cues to what libass draws: measured, broken into lines, placed, and set in motion."""
