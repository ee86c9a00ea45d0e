"""Office documents whose parts of XML were changed at random, put together again as whole packages.

A package that is cut or flipped anywhere is refused by its checksums; what reads the parts only meets what
is inside a package that is whole.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from copy import deepcopy
from random import Random

from lxml import etree

from tests.document_makers import docx, docx_paragraph, odt, zipped

_TAG = re.compile(rb"<[^<>]{1,300}>")
_NUMBER = re.compile(rb'(?<=")\d{1,6}(?=")')
_ATTRIBUTE = re.compile(rb'\s[\w:]{1,40}="[^"<>]{0,200}"')
_BROKEN = 0.2  # of the changes
_NUMBERS = (b"-1", b"0", b"1000000000", b"99999999999999999999", b"1e9", b"", b"x", b"\xd9\xa3", b"NaN")
_PIECES = (
    b"<", b">", b"&", b"&x;", b"&#0;", b"&#x110000;", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?xml ", b"?>",
    b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b'"',
    b'<text:s text:c="1000000000"/>', b"<text:tab/>", b"<text:line-break/>",
    b"<text:h text:outline-level='99'>",
    b"<text:list text:continue-numbering='true'><text:list-item>", b"<text:note>", b"<text:note-body/>",
    b'<table:table-cell table:number-columns-repeated="1000000000"/>', b"<table:table>", b"<table:table-row>",
    b'<table:table-row table:number-rows-repeated="1000000000"><table:table-cell/></table:table-row>',
    b"<draw:frame/>", b"<office:annotation/>", b"<text:deletion/>",
    b"<text:change-start text:change-id='c1'/>",
    b"<w:p>", b"</w:p>", b"<w:tbl>", b"<w:tr>", b"<w:tc>", b"<w:sdt>", b"<w:del>", b"<w:ins>",
    b"<w:moveFrom>",
    b'<w:gridSpan w:val="1000000000"/>', b'<w:vMerge w:val="continue"/>', b'<w:footnoteReference w:id="77"/>',
    b'<w:numPr><w:ilvl w:val="1000000000"/><w:numId w:val="1"/></w:numPr>', b'<w:hyperlink r:id="nowhere"/>',
    b'<w:fldChar w:fldCharType="begin"/>', b'<w:fldChar w:fldCharType="end"/>',
    b"<w:instrText>HYPERLINK</w:instrText>",
    b'<w:sym w:font="Wingdings" w:char="ZZZZ"/>', b"<w:txbxContent>", b"<mc:AlternateContent>", b"<w:pict/>",
    b'<Relationship Id="r2" Type="x" Target="../../../etc/passwd"/>',
    b'<Relationship Id="r1" Target="word/document.xml"/>',
)  # fmt: skip


def samples(more: Mapping[str, bytes]) -> dict[str, bytes]:
    """Documents with all that the readers know, by name; ``more`` are files to go with them."""
    rows = "".join(
        f"<w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>{docx_paragraph(str(n))}</w:tc></w:tr>"
        for n in range(3)
    )
    word = docx(
        docx_paragraph("The Council widens the embargo", "Titel")
        + "<w:p><w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>One</w:t>"
        "<w:footnoteReference w:id='2'/></w:r></w:p>"
        f"<w:tbl>{rows}</w:tbl><w:p><w:ins w:id='1'><w:r><w:t>Added.</w:t></w:r></w:ins></w:p>"
        + docx_paragraph("It takes effect at once, the council said."),
        notes=f"<w:footnote w:id='2'>{docx_paragraph('See the report.')}</w:footnote>",
        properties="<dc:title>A report</dc:title><dc:creator>Ann Lee</dc:creator>",
    )
    text = odt(
        "<text:h text:outline-level='1'>The Council widens the embargo</text:h>"
        "<text:p text:style-name='P1'>It takes<text:s text:c='3'/>effect<text:tab/>at once.<text:note "
        "text:note-class='footnote'><text:note-citation>1</text:note-citation><text:note-body><text:p>See "
        "the report.</text:p></text:note-body></text:note></text:p><text:list><text:list-item>"
        "<text:p>One</text:p>"
        "</text:list-item></text:list><table:table><table:table-row><table:table-cell "
        "table:number-columns-repeated='2'><text:p>Two</text:p></table:table-cell></table:table-row></table:table>",
        styles="<style:style style:name='P1' style:parent-style-name='Title'/>",
        properties="<dc:title>A report</dc:title><meta:creation-date>2024-06-18</meta:creation-date>",
    )
    return {"word.docx": word, "text.odt": text, **more}


def mutated(body: bytes, dice: Random) -> bytes:
    """A whole package, one to three of whose parts were changed in one to four places."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    texts = [name for name in parts if name.endswith((".xml", ".rels"))]
    # What holds the text is read most closely.
    texts += [name for name in texts if name.endswith(("document.xml", "content.xml"))] * len(texts)
    for name in dice.choices(texts, k=dice.randint(1, 3)):
        part = parts[name]
        assert isinstance(part, bytes)
        for _ in range(dice.randint(1, 4)):
            # Most stay well-formed: else the parser of XML alone would be tried.
            part = _changed(part, dice) if dice.random() < _BROKEN else _rebuilt(part, dice)
        parts[name] = part
    if dice.random() < 0.05:
        del parts[dice.choice(list(parts))]
    return zipped(parts)


def _rebuilt(part: bytes, dice: Random) -> bytes:
    """Well-formed still: its elements, or what stands in one of them, are others."""
    try:
        root = etree.fromstring(part)
    except etree.XMLSyntaxError:
        return part
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    one, other = dice.choice(elements), dice.choice(elements)
    (_moved if dice.random() < 0.5 else _renamed)(one, other, dice)
    return bytes(etree.tostring(root))


def _moved(one: etree._Element, other: etree._Element, dice: Random) -> None:
    """An element is gone, there many times, elsewhere as well, or has many within each other in it."""
    parent = one.getparent()
    match dice.randrange(4):
        case 0 if parent is not None:
            parent.remove(one)
        case 1 if parent is not None:
            parent.extend([deepcopy(one) for _ in range(dice.choice((1, 2, 300)))])
        case 2:
            inside = one
            for _ in range(dice.choice((1, 5, 100))):
                inside = etree.SubElement(inside, other.tag, dict(other.items()))
            inside.text = "deep"
        case _:
            other.insert(dice.randrange(len(other) + 1), deepcopy(one))


def _renamed(one: etree._Element, other: etree._Element, dice: Random) -> None:
    """An element has another's name or attributes, other numbers in them, or another text."""
    match dice.randrange(4):
        case 0:
            one.tag = other.tag
        case 1:
            for name, value in other.items():
                one.set(name, value)
        case 2:
            for name in dice.sample(sorted(one.keys()), min(1, len(one.keys()))):
                one.set(name, dice.choice(_NUMBERS).decode("utf-8", "replace"))
        case _:
            one.text = dice.choice((None, "", "word", " ", "\u202e", "x" * 5_000))
            one.tail = dice.choice((None, "tail"))


def _changed(part: bytes, dice: Random) -> bytes:
    place = dice.randrange(len(part) + 1)
    match dice.randrange(8):
        case 0:
            return part[:place] + dice.choice(_PIECES) + part[place:]
        case 1:
            return _at(part, _TAG, dice, lambda _: b"")
        case 2:
            return _at(part, _TAG, dice, lambda tag: tag + dice.choice(_PIECES) * dice.choice((1, 1, 2, 50)))
        case 3:
            return _at(part, _TAG, dice, lambda tag: tag * dice.choice((2, 3, 400)))
        case 4:
            return _at(part, _NUMBER, dice, lambda _: dice.choice(_NUMBERS))
        case 5:
            return _at(part, _ATTRIBUTE, dice, lambda one: dice.choice((b"", one + one, one[:-1])))
        case 6:
            end = place + dice.randrange(60)
            return part[:place] + part[place:end] * dice.choice((0, 2, 30)) + part[end:]
    return part[:place] + dice.randbytes(dice.randint(1, 4)) + part[place + dice.randint(0, 4) :]


def _at(part: bytes, pattern: re.Pattern[bytes], dice: Random, change: object) -> bytes:
    found = list(pattern.finditer(part))
    if not found:
        return part
    match = dice.choice(found)
    assert callable(change)
    return part[: match.start()] + bytes(change(match[0])) + part[match.end() :]
