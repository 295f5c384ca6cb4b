"""How moto's classes are extended: here, by name, and nowhere else."""

from collections.abc import Callable
from typing import Any


def extend(emulated: type, **methods: Callable[..., Any]) -> None:
    """Adds or replaces methods."""
    for name, method in methods.items():
        setattr(emulated, name, method)
