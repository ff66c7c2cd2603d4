"""The worker that joins a pool from outside, and what happens when its pool is away, wrong, or refuses it."""
