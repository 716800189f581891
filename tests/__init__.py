"""The tests; `make test` runs the quick ones."""
