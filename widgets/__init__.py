"""Panes: each draws one kind of view and knows nothing else of the run."""
