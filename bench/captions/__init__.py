"""Captions, shown and measured."""
