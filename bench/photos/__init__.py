"""What the benchmarks of photos stand on: rivals, references, measures."""
