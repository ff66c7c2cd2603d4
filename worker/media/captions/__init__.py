"""Captions: subtitles are read and cleaned, laid out, and written anew as what libass draws."""
