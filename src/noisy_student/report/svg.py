"""Adapt matplotlib's SVG to the page: no metadata, no global styles, unique ids, the page's colours and font.

A drawing comes in as text, the markup of one ``<svg>`` element goes out. Colours become CSS variables, so that one
drawing serves light and dark pages. No library does this, and matplotlib's own output cannot be inlined twice.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from noisy_student.report.clean import clean_text

# Each stands for a CSS variable of the page; matplotlib only knows colours, so it draws with these.
INKS = {
    "#000001": "ink",
    "#000002": "muted",
    "#000003": "line",
    "#000004": "accent",
    "#000005": "band",
    "#000006": "paper",
    "#000007": "faint",
}
INK, MUTED, LINE, ACCENT, BAND, PAPER, FAINT = INKS
STROKES = [(color, dashes) for dashes in ("-", "--", ":") for color in (ACCENT, INK, MUTED)]
"""Line styles that are distinct with the few colours of the page."""

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
_FAMILY = re.compile(r"font-family:[^;]*;?\s*|(?<=px )'DejaVu Sans'[^;]*")
_INK = re.compile("|".join(INKS))


def embed(drawing: str, *, name: str, alt: str) -> str:
    """Return the ``<svg>`` element of ``drawing``; ``name`` makes its ids unique in the page, ``alt`` is its text."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    # The drawing is our own output of a moment ago, not a file from elsewhere.
    root = ElementTree.fromstring(drawing)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}:
                parent.remove(child)
    used = {target for element in root.iter() for target in _targets(element)}
    for element in root.iter():
        _adapt(element, name, used)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib.update({"width": width, "height": height, "role": "img", "aria-label": clean_text(alt)})
    root.attrib["style"] = "stroke-linejoin: round"
    return ElementTree.tostring(root, encoding="unicode")


def _targets(element: ElementTree.Element) -> list[str]:
    found = re.findall(r"url\(#([^)]+)\)", " ".join(element.attrib.values()))
    return [*found, element.attrib[HREF][1:]] if HREF in element.attrib else found


def _adapt(element: ElementTree.Element, name: str, used: set[str]) -> None:
    identity = element.attrib.pop("id", "")
    if identity in used:
        element.attrib["id"] = f"{name}-{identity}"
    if HREF in element.attrib:
        element.attrib[HREF] = f"#{name}-{element.attrib[HREF][1:]}"
    if "clip-path" in element.attrib:
        element.attrib["clip-path"] = element.attrib["clip-path"].replace("url(#", f"url(#{name}-")
    if "style" in element.attrib:
        style = _FAMILY.sub("", element.attrib["style"])
        element.attrib["style"] = _INK.sub(lambda match: f"var(--{INKS[match[0]]})", style)
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
