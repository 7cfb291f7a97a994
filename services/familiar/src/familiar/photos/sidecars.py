"""Sidecars: who is where on a picture, in an XMP file beside it, as digiKam, Lightroom and PhotoPrism read it.

Faces are regions of the Metadata Working Group (Guidelines for Handling Image Metadata 2.0, 2010): the middle of the
box and its size as shares of the picture as it is stored, with the size of that picture. A sidecar that is there
already stays as it is, but for the faces that we have put there before.
"""

from collections.abc import Sequence
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from familiar.photos.places import Box, Place

SUFFIX = ".xmp"
"""Behind the whole name of the picture."""
MOST_BYTES = 1_000_000

_X = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
_AREA = "http://ns.adobe.com/xmp/sType/Area#"
_SIZE = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_OURS = "https://familiar.invalid/ns/1.0/"
"""A mark on what we have written; it leads nowhere."""

_EMPTY = f'<x:xmpmeta xmlns:x="{_X}"><rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
_SAME_BOX = 0.5


class SidecarRefused(Exception):
    """What is there is no XMP that could be added to; it is left alone."""


def merged(places: Sequence[Place], existing: bytes | None = None) -> bytes | None:
    """Return the sidecar of a picture with these faces, all of one file; None where there would be nothing in it.

    ``existing`` is what lies there. What others have written stays, also a face of theirs that lies where one of ours
    would: who put it there knows better.

    Raises:
        SidecarRefused: what lies there cannot be added to.
    """
    document = _parsed(existing) if existing is not None else minidom.parseString(_EMPTY)
    _forget_ours(document)
    theirs = [box for item in document.getElementsByTagNameNS(_RDF, "li") if (box := _box_of(item)) is not None]
    new = [place for place in places if not any(_overlap(place.stored_box, box) > _SAME_BOX for box in theirs)]
    if not new and existing is None:
        return None
    if new:
        bag = _bag(document, new[0])
        for place in new:
            bag.appendChild(_region(document, place))
    return bytes(document.toxml(encoding="utf-8"))


def is_marked(existing: bytes) -> bool:
    """Whether faces that we have put there may be in a sidecar."""
    return _OURS.encode() in existing


def _parsed(data: bytes) -> minidom.Document:
    """Parse what somebody else has written; no document type, so nothing that unfolds or is fetched from elsewhere."""
    if len(data) > MOST_BYTES:
        raise SidecarRefused(f"it has more than {MOST_BYTES} bytes")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SidecarRefused("it is written in a way that is not read")
    try:
        document = minidom.parseString(data)
    except (ExpatError, ValueError, RecursionError) as exc:
        raise SidecarRefused(f"it is no XML: {exc}") from exc
    if document.doctype is not None or not document.getElementsByTagNameNS(_RDF, "RDF"):
        raise SidecarRefused("it is no XMP")
    return document


def _forget_ours(document: minidom.Document) -> None:
    for item in list(document.getElementsByTagNameNS(_RDF, "li")):
        if any(each.getAttributeNS(_OURS, "by") for each in _elements(item)):
            assert item.parentNode is not None  # it was found in the document
            item.parentNode.removeChild(item)


def _bag(document: minidom.Document, place: Place) -> minidom.Element:
    """Return where regions are listed; it is made, with all around it, where it is not there."""
    found = document.getElementsByTagNameNS(_MWG, "RegionList")
    if found:
        bags = found[0].getElementsByTagNameNS(_RDF, "Bag")
        return bags[0] if bags else _child(document, found[0], _RDF, "rdf:Bag")
    regions = document.getElementsByTagNameNS(_MWG, "Regions")
    if regions:
        around = regions[0]
        inner = around.getElementsByTagNameNS(_RDF, "Description")
        around = inner[0] if inner else around
    else:
        root = document.getElementsByTagNameNS(_RDF, "RDF")[0]
        described = [
            each
            for each in root.childNodes
            if isinstance(each, minidom.Element) and (each.namespaceURI, each.localName) == (_RDF, "Description")
        ]
        about = described[0] if described else _child(document, root, _RDF, "rdf:Description")
        around = _child(document, about, _MWG, "mwg-rs:Regions")
        around.setAttributeNS(_RDF, "rdf:parseType", "Resource")
        width, height = place.stored_size
        size = _child(document, around, _MWG, "mwg-rs:AppliedToDimensions")
        for name, value in (("w", str(width)), ("h", str(height)), ("unit", "pixel")):
            _set(size, _SIZE, f"stDim:{name}", value)
    return _child(document, _child(document, around, _MWG, "mwg-rs:RegionList"), _RDF, "rdf:Bag")


def _region(document: minidom.Document, place: Place) -> minidom.Element:
    item = document.createElementNS(_RDF, "rdf:li")
    described = _child(document, item, _RDF, "rdf:Description")
    _set(described, _OURS, "familiar:by", "person" if place.said else "head")
    _set(described, _MWG, "mwg-rs:Name", place.name)
    _set(described, _MWG, "mwg-rs:Type", "Face")
    left, top, width, height = place.stored_box
    area = _child(document, described, _MWG, "mwg-rs:Area")
    middle = (("x", left + width / 2), ("y", top + height / 2), ("w", width), ("h", height))
    for name, value in middle:
        _set(area, _AREA, f"stArea:{name}", f"{value:.6f}")
    _set(area, _AREA, "stArea:unit", "normalized")
    return item


def _child(document: minidom.Document, parent: minidom.Element, space: str, name: str) -> minidom.Element:
    made = document.createElementNS(space, name)
    made.setAttribute(f"xmlns:{name.partition(':')[0]}", space)
    parent.appendChild(made)
    return made


def _set(element: minidom.Element, space: str, name: str, value: str) -> None:
    element.setAttribute(f"xmlns:{name.partition(':')[0]}", space)
    element.setAttributeNS(space, name, value)


def _elements(item: minidom.Element) -> list[minidom.Element]:
    return [item, *item.getElementsByTagName("*")]


def _box_of(item: minidom.Element) -> Box | None:
    """Return the box of a region that somebody else has named; None for what is none, or says nothing of a name."""
    named = any(each.getAttributeNS(_MWG, "Name") for each in _elements(item)) or any(
        _text(each) for each in item.getElementsByTagNameNS(_MWG, "Name")
    )
    areas = item.getElementsByTagNameNS(_MWG, "Area")
    if not named or not areas:
        return None
    try:
        x, y, width, height = (_value(areas[0], name) for name in "xywh")
    except ValueError:
        return None
    return x - width / 2, y - height / 2, width, height


def _value(area: minidom.Element, name: str) -> float:
    inside = area.getElementsByTagNameNS(_AREA, name)
    return float(
        area.getAttributeNS(_AREA, name)
        or next((each.getAttributeNS(_AREA, name) for each in _elements(area) if each.hasAttributeNS(_AREA, name)), "")
        or (_text(inside[0]) if inside else "")
    )


def _text(element: minidom.Element) -> str:
    return "".join(node.data for node in element.childNodes if node.nodeType == node.TEXT_NODE).strip()


def _overlap(one: Box, other: Box) -> float:
    """Return the share of what both cover together that both cover."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(across, 0.0) * max(down, 0.0)
    together = one[2] * one[3] + other[2] * other[3] - both
    return both / together if together > 0 else 0.0
