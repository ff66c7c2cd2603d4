"""The orchestrator: relay."""
