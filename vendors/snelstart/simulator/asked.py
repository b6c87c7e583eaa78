"""A call that passed the gate, and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vendors.snelstart.simulator import binding, problems
from vendors.snelstart.simulator.company import SnelStartCompany

Answer = tuple[int, object]
"""Status and body."""


@dataclass(frozen=True)
class Asked:
    """A call that passed the gate; `parts` are the path segments after the resource."""

    administration: SnelStartCompany | None
    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes

    @property
    def company(self) -> SnelStartCompany:
        """The administration of the token."""
        assert self.administration is not None
        return self.administration

    @property
    def id(self) -> str:
        """The id in the path.

        Raises:
            Rejection: it is no GUID.
        """
        if not binding.is_guid(self.parts[0]):
            raise problems.business("ALG-0103")
        return self.parts[0].lower()


@dataclass(frozen=True)
class Route:
    """A resource and method: the scopes a token needs (none: no token), and what answers."""

    scopes: tuple[str, ...]
    answer: Callable[[Asked], Answer]
