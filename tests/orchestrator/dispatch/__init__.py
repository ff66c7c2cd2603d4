"""The orchestrator: dispatch."""
