"""The orchestrator: jobs."""
