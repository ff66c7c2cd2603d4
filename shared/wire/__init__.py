"""The messages between client, orchestrator and worker."""
