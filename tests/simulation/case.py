"""Describe one simulated run as plain data, which is drawn from a seed, printed if it fails, and shortened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pprint import pformat
from typing import Any, NamedTuple


class Step(NamedTuple):
    """Hold one step of a run: its kind, and what that needs.

    `access` has a list of (page, write). `idle`, `recompress`, `write_back` and `compact` are what an administrator
    does to zram. `codec` sets the contents on which the codec fails, `device` what the device fails at, and `others`
    how many frames of the node others hold, from then on.
    """

    kind: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """Hold a whole run. `settings` are those of zswapsim.Settings; the other fields are what a model needs besides."""

    seed: int
    backend: str
    world: str
    pages: int
    depths: tuple[str, ...]
    settings: dict[str, Any]
    frames: int
    node: int
    device: int
    options: dict[str, Any] = field(default_factory=dict)
    groups: tuple[tuple[int | None, int | None, bool], ...] = ()
    group_of: tuple[int, ...] | None = None
    addresses: tuple[int, ...] | None = None
    places: tuple[int, ...] | None = None
    steps: tuple[Step, ...] = ()

    @property
    def order(self) -> int:
        """Return the order of the folios; 0 if they are single pages."""
        return int(self.settings.get("folio", 4096)).bit_length() - 13

    @property
    def accesses(self) -> list[tuple[int, bool]]:
        """Return the accesses of all steps."""
        return [access for step in self.steps if step.kind == "access" for access in step.values[0]]

    def with_steps(self, steps: tuple[Step, ...]) -> Case:
        return replace(self, steps=steps)

    def text(self) -> str:
        """Return what was drawn, for a person."""
        shown = {name: value for name, value in vars(self).items() if value not in (None, (), {}) and name != "steps"}
        steps = "\n".join(f"  {step.kind} {' '.join(map(str, step.values))}" for step in self.steps)
        return f"{pformat(shown, width=118, sort_dicts=False)}\nsteps:\n{steps}"
