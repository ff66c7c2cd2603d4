"""What Prometheus is told, and whether it is true."""
