"""Estates: the JSON that says what exists when the simulator starts. README.md one folder up has the format."""

from local.simulator.estate.generate import generate
from local.simulator.estate.load import load

__all__ = ["generate", "load"]
