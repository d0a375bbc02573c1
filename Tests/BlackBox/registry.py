"""The list of black-box checks."""

from dataclasses import dataclass
from typing import Callable

checks = []


@dataclass
class Check:
    """One promise and how it is checked."""

    name: str
    body: Callable
    # Seconds after which it has failed.
    limit: float
    # Whether nothing else may run at the same time, because it measures.
    alone: bool


def check(name, limit=90, alone=False):
    """Makes a function that takes a World a check."""

    def register(body):
        checks.append(Check(name, body, limit, alone))
        return body

    return register
