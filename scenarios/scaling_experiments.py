"""Things to try with scaling: parameters to start with, commands to run, and what to watch for."""

from __future__ import annotations

from engine.scenario import Experiment

EXPERIMENTS: tuple[Experiment, ...] = ()
