"""What an expression is once it is read: references, and steps in the order of evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

AGGREGATES = frozenset(
    f"aggregate-{name}" for name in ("min", "max", "mean", "median", "sum", "count", "stdev", "unique")
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A `[event][field(code):modifier][instance]`; parts that are not written are `""`.

    A smart variable such as `[event-name]` is a reference whose field has its name. `position` is the
    0-based offset of the first bracket. All names are lower case; `code` is as written.
    """

    event: str
    field: str
    code: str
    modifier: str
    instance: str
    position: int

    @property
    def is_smart(self) -> bool:
        """Whether this is a smart variable; field names have no hyphen."""
        return "-" in self.field


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text or a truth that the author wrote."""

    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Load:
    """The value that a reference finds."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function on the last `count` values; `name` is the function or the sign."""

    name: str
    count: int
    position: int


Step: TypeAlias = Constant | Load | Apply


@dataclass(frozen=True)
class Expression:
    """One expression: equal to another with the same text.

    `steps` are in postfix order, so that no depth of nesting can exhaust a stack.
    """

    text: str
    references: tuple[Reference, ...] = field(compare=False, repr=False)
    steps: tuple[Step, ...] = field(compare=False, repr=False)

    @property
    def fields(self) -> frozenset[str]:
        """The project's fields that this needs, those of aggregates included; no smart variables."""
        plain = {one.field for one in self.references if not one.is_smart}
        return frozenset(plain | {one.modifier for one in self.references if one.field in AGGREGATES})

    @property
    def reads_other_rows(self) -> bool:
        """Whether it names events, instances or aggregates, and so needs more than its own row."""
        return any(one.event or one.instance or one.field in AGGREGATES for one in self.references)
