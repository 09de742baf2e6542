"""ELAN's files (.eaf): tiers with aligned and referring annotations, linked media and vocabularies.

The format is "EAF Annotation Format 3.0" of the Max Planck Institute for Psycholinguistics; versions 2.x are read
as well. By the standard library's XML: pympi-ling writes version 2.8, and expands the entities of a hostile file.
"""

from __future__ import annotations

import io
import mimetypes
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import NoReturn

from engine.sessions.formats.tiers import Annotation, FormatError, Tier

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are allowed",
}
_UNDETERMINED = {
    "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001",
    "LANG_ID": "und",
    "LANG_LABEL": "undetermined (und)",
}
#: Referring annotations may refer to referring ones; no tier of a real file lies deeper.
_DEPTH = 50


class _Plain(ElementTree.TreeBuilder):
    """A tree of a document without a DOCTYPE: EAF has none, and entities that grow are declared in one."""

    def doctype(self, name: str, *_: str | None) -> NoReturn:
        raise FormatError(f"has a DOCTYPE ({name[:40]}), which no EAF file has; save it from ELAN again")


def read(data: bytes) -> list[Tier]:
    """The tiers of a file. Raises FormatError for what is not EAF."""
    try:
        root = ElementTree.parse(io.BytesIO(data), ElementTree.XMLParser(target=_Plain())).getroot()
    except ElementTree.ParseError as error:
        raise FormatError(f"not well-formed XML ({error}); save it from ELAN again") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise FormatError(f"an XML file of {root.tag[:40]!r}, not of ELAN; save it as .eaf")
    header = root.find("HEADER")
    if header is not None and header.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise FormatError(f"its times are in {header.get('TIME_UNITS')}; only milliseconds are read")
    slots = {
        slot.get("TIME_SLOT_ID", ""): _seconds(slot.get("TIME_VALUE"), slot.get("TIME_SLOT_ID", ""))
        for slot in root.iterfind("TIME_ORDER/TIME_SLOT")
    }
    spans: dict[str, tuple[float, float]] = {}
    for tier in root.iterfind("TIER"):
        spans |= _aligned(tier, slots)
    for _ in range(_DEPTH):
        missing = [tier for tier in root.iterfind("TIER") if not _known(tier, spans)]
        if not missing:
            break
        for tier in missing:
            spans |= _referring(tier, spans)
    else:
        raise FormatError(f"tier {missing[0].get('TIER_ID')!r} refers to annotations that are not in the file")
    return [_tier(tier, spans) for tier in root.iterfind("TIER")]


def _seconds(value: str | None, name: str) -> float | None:
    """s of a time slot; None for one that is not aligned."""
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 15):
        raise FormatError(f"time slot {name!r} is at {value[:20]!r}, not at a number of milliseconds")
    return int(value) / 1000


def _aligned(tier: ElementTree.Element, slots: Mapping[str, float | None]) -> dict[str, tuple[float, float]]:
    """From when to when the tier's alignable annotations are; slots without a time lie evenly between others."""
    elements = tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION")
    refs = [(element.get("TIME_SLOT_REF1", ""), element.get("TIME_SLOT_REF2", "")) for element in elements]
    if lost := next((ref for pair in refs for ref in pair if ref not in slots), None):
        raise FormatError(f"tier {tier.get('TIER_ID')!r} names the time slot {lost!r}, which is not in the file")
    chain = [ref for ref, _ in groupby(ref for pair in refs for ref in pair)]
    times = {ref: slots[ref] for ref in chain}
    known = [place for place, ref in enumerate(chain) if times[ref] is not None]
    for before, after in pairwise(known):
        first, last = slots[chain[before]] or 0.0, slots[chain[after]] or 0.0
        for place in range(before + 1, after):
            times[chain[place]] = first + (last - first) * (place - before) / (after - before)
    if any(time is None for time in times.values()):
        raise FormatError(f"tier {tier.get('TIER_ID')!r} begins or ends with a time slot without a time")
    return {
        element.get("ANNOTATION_ID", ""): (times[start] or 0.0, times[stop] or 0.0)
        for element, (start, stop) in zip(elements, refs, strict=True)
    }


def _references(tier: ElementTree.Element) -> list[ElementTree.Element]:
    return tier.findall("ANNOTATION/REF_ANNOTATION")


def _known(tier: ElementTree.Element, spans: Mapping[str, tuple[float, float]]) -> bool:
    return all(element.get("ANNOTATION_ID", "") in spans for element in _references(tier))


def _referring(
    tier: ElementTree.Element, spans: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Where the tier's referring annotations with a known parent are: several share the parent's time evenly."""
    children: dict[str, list[str]] = {}
    for element in _references(tier):
        children.setdefault(element.get("ANNOTATION_REF", ""), []).append(element.get("ANNOTATION_ID", ""))
    found: dict[str, tuple[float, float]] = {}
    for parent, own in children.items():
        if parent in spans:
            start, stop = spans[parent]
            step = (stop - start) / len(own)
            found |= {name: (start + step * place, start + step * (place + 1)) for place, name in enumerate(own)}
    return found


def _tier(tier: ElementTree.Element, spans: Mapping[str, tuple[float, float]]) -> Tier:
    annotations = [
        Annotation(*spans[element.get("ANNOTATION_ID", "")], element.findtext("ANNOTATION_VALUE") or "")
        for element in tier.iterfind("ANNOTATION/*")
        if element.tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION")
    ]
    return Tier(
        tier.get("TIER_ID", ""),
        tuple(sorted(annotations)),
        tier.get("PARTICIPANT", "").strip(),
        tier.get("ANNOTATOR", "").strip(),
    )


def write(
    tiers: Sequence[Tier], media: str, vocabularies: Mapping[str, Iterable[str]], made: datetime | None = None
) -> bytes:
    """A file of these tiers about the recording of the name `media`, which is to lie beside it.

    What stands before an @ in a tier's name is its type; a type with a vocabulary offers its values. Times are
    rounded to milliseconds.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "classpulse",
            "DATE": (made or datetime.now(UTC)).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _INSTANCE,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    kind = mimetypes.guess_type(media)[0] or "unknown"
    link = {"MEDIA_URL": f"./{media}", "MIME_TYPE": kind, "RELATIVE_MEDIA_URL": f"./{media}"}
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", link)
    number = sum(len(tier.annotations) for tier in tiers)
    ElementTree.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(number)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    # Every annotation has two slots of its own, in order of time, as ELAN itself writes them.
    bounds = [
        (round(time * 1000), place, end)
        for place, annotation in enumerate(annotation for tier in tiers for annotation in tier.annotations)
        for end, time in enumerate((annotation.start, annotation.stop))
    ]
    slots = {}
    for slot, (milliseconds, place, end) in enumerate(sorted(bounds), 1):
        slots[place, end] = f"ts{slot}"
        ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{slot}", "TIME_VALUE": str(milliseconds)})
    place = 0
    for tier in tiers:
        about = {"LINGUISTIC_TYPE_REF": _kind(tier), "TIER_ID": tier.name}
        about |= {"PARTICIPANT": tier.student} if tier.student else {}
        about |= {"ANNOTATOR": tier.coder} if tier.coder else {}
        parent = ElementTree.SubElement(root, "TIER", about)
        for annotation in tier.annotations:
            within = ElementTree.SubElement(parent, "ANNOTATION")
            ends = {"TIME_SLOT_REF1": slots[place, 0], "TIME_SLOT_REF2": slots[place, 1]}
            place += 1
            aligned = ElementTree.SubElement(within, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{place}", **ends})
            ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = annotation.text
    _declare(root, sorted({_kind(tier) for tier in tiers}), vocabularies)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return document + b"\n"


def _kind(tier: Tier) -> str:
    return tier.name.partition("@")[0]


def _declare(root: ElementTree.Element, kinds: Iterable[str], vocabularies: Mapping[str, Iterable[str]]) -> None:
    """Types, constraints and vocabularies, which stand after the tiers."""
    for kind in kinds:
        about = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": kind, "TIME_ALIGNABLE": "true"}
        about |= {"CONTROLLED_VOCABULARY_REF": kind} if kind in vocabularies else {}
        ElementTree.SubElement(root, "LINGUISTIC_TYPE", about)
    ElementTree.SubElement(root, "LANGUAGE", _UNDETERMINED)
    for name, description in _CONSTRAINTS.items():
        ElementTree.SubElement(root, "CONSTRAINT", {"DESCRIPTION": description, "STEREOTYPE": name})
    for name, values in vocabularies.items():
        vocabulary = ElementTree.SubElement(root, "CONTROLLED_VOCABULARY", {"CV_ID": name})
        ElementTree.SubElement(vocabulary, "DESCRIPTION", {"LANG_REF": "und"})
        for place, value in enumerate(values, 1):
            entry = ElementTree.SubElement(vocabulary, "CV_ENTRY_ML", {"CVE_ID": f"{name}-{place}"})
            ElementTree.SubElement(entry, "CVE_VALUE", {"DESCRIPTION": "", "LANG_REF": "und"}).text = value
