"""Tests of what both sides know of uploads."""
