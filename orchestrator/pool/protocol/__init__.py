"""RunPod's protocol as HTTP: what clients ask of an endpoint, and what its workers ask."""
