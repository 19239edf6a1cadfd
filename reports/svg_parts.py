"""What charts are written of, element by element: lines, points and words in SVG, everything escaped."""

import re
from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from reports.formatting import columns, printable, shortened

FONT = 9.5
TICKS = 7  # marks on an axis of figures at most


def figure_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return the round figures of an axis, 1, 2, 2.5 or 5 times a power of ten apart, with how they are written.

    >>> [text for _, text in figure_ticks(-0.33, 1.2)]
    ['−0.25', '0.00', '0.25', '0.50', '0.75', '1.00']
    """
    power = floor(log10((high - low) / TICKS))
    more = {1.0: 0, 2.0: 0, 2.5: 1, 5.0: 0, 10.0: -1}  # digits that a step has more than its power of ten
    factor = next(factor for factor in more if (high - low) < TICKS * factor * 10.0**power)
    step, digits = factor * 10.0**power, max(0, more[factor] - power)
    places = range(ceil(low / step), floor(high / step) + 1)
    return [(place * step, f"{place * step:.{digits}f}".replace("-", "−")) for place in places]


def draw_point(x: float, y: float, tone: str) -> str:
    """Return a point: a triangle upwards or downwards for better and worse, else a disc."""
    if tone not in ("better", "worse"):
        return element("circle", cx=x, cy=y, r=2.6, class_=f"fill-{tone}")
    up = 3.2 if tone == "better" else -3.2
    corners = f"M{coordinate(x - 3.2)} {coordinate(y + up)}H{coordinate(x + 3.2)}L{coordinate(x)} {coordinate(y - up)}Z"
    return element("path", d=corners, class_=f"fill-{tone}")


def draw_line(x1: float, y1: float, x2: float, y2: float, *, kind: str, width: float) -> str:
    """Return a line of a class and a width."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind, stroke_width=width)


def draw_text(
    text: str, x: float, y: float, *, kind: str = "fill-ink", anchor: str = "middle", size: float = FONT
) -> str:
    """Return words at a place, made printable."""
    return element("text", printable(text), x=x, y=y, class_=kind, font_size=size, text_anchor=anchor)


def wrapped_lines(text: str, width: int) -> list[str]:
    """Return text in lines of at most ``width`` columns, broken at spaces, or anywhere if there are none."""
    lines = [""]
    for part in re.split(r"(?<= )|(?<=[^\x00-\xff])", text):
        if lines[-1] and columns(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [fitted(line, width) for line in lines]


def fitted(name: str, width: int) -> str:
    """Return a name in one line of at most ``width`` columns, its middle left out if it is longer."""
    return shortened(" ".join(printable(name).split()), width)


def picture(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """Return an ``<svg>`` element; ``title`` is its text alternative."""
    box = f"0 0 {coordinate(width)} {coordinate(height)}"
    opening = element("svg", viewBox=box, width=width, height=height, class_="chart", role="img",
                       aria_label=printable(title))  # fmt: skip
    return f"{opening.removesuffix('</svg>')}{''.join(parts)}</svg>"


def element(tag: str, text: str = "", /, **attributes: object) -> str:
    """Return one element, everything escaped; an attribute's name has ``_`` for ``-``.

    >>> element("text", "<a>", x=1.0, class_="fill-ink", font_size=9.5)
    '<text x="1" class="fill-ink" font-size="9.5">&lt;a&gt;</text>'
    """
    written = {
        name.rstrip("_").replace("_", "-"): coordinate(value) if isinstance(value, float) else escape(str(value))
        for name, value in attributes.items()
    }
    given = "".join(f' {name}="{value}"' for name, value in written.items())
    return f"<{tag}{given}>{escape(text)}</{tag}>"


def coordinate(value: float) -> str:
    """Return a length with two digits at most.

    >>> coordinate(2.0), coordinate(1 / 3)
    ('2', '0.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")
