"""Figures beside their targets, as a Markdown table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Bounds = tuple[float | None, float | None]      # lowest and highest value allowed, None: no limit


@dataclass(frozen=True)
class Row:
    """One figure, for every column of a table."""

    label: str                                                      # what the reader sees, with its unit
    path: str                                                       # keys of the nested figures, joined by dots
    form: str = ".2f"                                               # format of a figure
    targets: Mapping[str, Bounds] = field(default_factory=dict)     # column -> its target

    def cells(self, columns: Mapping[str, Any]) -> list[str]:
        """The row of a table: label, one figure per column, the target."""
        return [self.label, *(self._cell(name, figures) for name, figures in columns.items()), self._target(columns)]

    def _cell(self, column: str, figures: Any) -> str:
        value = dig(figures, self.path)
        if value is None:
            return "-"
        return format(value, self.form) + ("" if within(value, self.targets.get(column)) else " (missed)")

    def _target(self, columns: Mapping[str, Any]) -> str:
        targets = {name: self._bounds(self.targets[name]) for name in columns if name in self.targets}
        if len(set(targets.values())) == 1:
            return next(iter(targets.values()))
        return ", ".join(f"{name} {bounds}" for name, bounds in targets.items())

    def _bounds(self, bounds: Bounds) -> str:
        low, high = (None if limit is None else format(limit, self.form) for limit in bounds)
        if low and high:
            return low if low == high else f"{low} to {high}"
        return f">= {low}" if low else f"<= {high}"


def markdown_table(rows: Sequence[Row], columns: Mapping[str, Any], title: str = "") -> str:
    """A Markdown table: a line for each row, a column for each entry of `columns` (nested dicts), and the target.

    Figures that miss their target are marked; a row without any figure is left out.
    """
    lines = [[title, *columns, "target"], ["---"] * (len(columns) + 2)]
    measured = (row for row in rows if any(dig(figures, row.path) is not None for figures in columns.values()))
    lines += [row.cells(columns) for row in measured]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def dig(figures: Any, path: str) -> Any:
    """`a.b` of nested dicts, None where it is missing."""
    for key in path.split("."):
        figures = figures.get(key) if isinstance(figures, Mapping) else None
    return figures


def within(value: float, bounds: Bounds | None) -> bool:
    """Whether a figure meets its target; without one it does."""
    low, high = bounds or (None, None)
    return (low is None or value >= low) and (high is None or value <= high)
