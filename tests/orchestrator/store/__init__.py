"""The orchestrator: store."""
