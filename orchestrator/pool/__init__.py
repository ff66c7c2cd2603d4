"""Our own endpoint: RunPod's protocol, both halves, for laptops and own GPUs."""
