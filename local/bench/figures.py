"""A figure: what was measured, and the target it was measured against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`target` is the bound in the figure's unit, or None; `at_least` makes it a lower bound."""

    name: str
    measured: float
    unit: str = ""
    target: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    @property
    def measured_text(self) -> str:
        return f"{self._number(self.measured)} {self.unit}".rstrip()

    @property
    def target_text(self) -> str:
        if self.target is None:
            return ""
        return f"{'at least' if self.at_least else 'at most'} {self._number(self.target)} {self.unit}".rstrip()

    @staticmethod
    def _number(value: float) -> str:
        return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
