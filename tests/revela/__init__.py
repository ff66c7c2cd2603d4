"""Tests of the command line, the client, the doctor and the demo's parts."""
