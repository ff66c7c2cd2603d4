"""Load on a real server: who asks, who works, who listens, and what the machine could do at best."""
