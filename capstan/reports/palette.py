"""The palette: colours that colour-blind people tell apart, each with its counterpart on a dark page."""

from __future__ import annotations

# Pictures are drawn in light colours, one hex text for each role; style sheets turn them dark.
INK, FAINT, GRID, CARD = "#1d2430", "#525c6b", "#e2ded4", "#fefefe"
BLUE, ORANGE, TEAL, PLUM, GREY = "#1f6fb2", "#c4560c", "#147a70", "#8a4fa3", "#9aa3af"
SKY, SAND = "#9cc3e6", "#ecb078"
ON_PALE, ON_DEEP = "#1d2431", "#fffffe"
# From little to much; words on the first three are `ON_PALE`, on others `ON_DEEP`.
BLUES = ("#e4eef7", "#b7d3ea", "#7fb0d8", "#2f75ad", "#1b5388")
ORANGES = ("#fbe6d3", "#f5c096", "#e39a5c", "#ad4c0a", "#853603")
NOTHING = "#f3f1ec"

_DARK = {
    INK: "#e6e8ec",
    FAINT: "#a7b0bd",
    GRID: "#353d48",
    CARD: "#1d2229",
    BLUE: "#6cb2f5",
    ORANGE: "#f59f5a",
    TEAL: "#4cc4b5",
    PLUM: "#c894e0",
    GREY: "#76808d",
    SKY: "#335f8a",
    SAND: "#8a5a2b",
    ON_PALE: "#e7e9ed",
    ON_DEEP: "#0d1117",
    **dict(zip(BLUES, ("#223040", "#2a4763", "#33628a", "#5b9bd0", "#93c5f1"), strict=True)),
    **dict(zip(ORANGES, ("#3a2919", "#5f3d1d", "#86511d", "#dd8a42", "#f7b981"), strict=True)),
    NOTHING: "#242a32",
}


def dark_style(scope: str) -> str:
    """Rules that turn what is drawn within `scope` dark, on a screen that wants it."""
    rules = "\n".join(
        f'{scope} [{part}="{light}"] {{ {part}: {dark}; }}'
        for light, dark in _DARK.items()
        for part in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme: dark) {{\n{rules}\n}}\n"


def shade(share: float, *, ramp: tuple[str, ...] = BLUES) -> tuple[str, str]:
    """The colour of a share (0 to 1) and that of words on it."""
    place = min(int(share * len(ramp)), len(ramp) - 1)
    return ramp[place], ON_PALE if place < 3 else ON_DEEP
