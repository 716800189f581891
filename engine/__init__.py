"""The deterministic simulation: no clock, no screen, no input or output, nothing of ours above it."""
