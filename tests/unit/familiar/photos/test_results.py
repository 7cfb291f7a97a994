"""What photos come to in the words of other programs: boxes, sidecars, tables and links."""

import csv
import io
from pathlib import PurePosixPath
from xml.dom import minidom

import numpy as np
import pytest

from familiar.photos import Place, link_folders, sidecars, tables
from familiar.seeing import decode, encode_jpeg, orientation

MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
AREA = "http://ns.adobe.com/xmp/sType/Area#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def place(name: str = "Ada", path: str = "a.jpg", box=(0.1, 0.2, 0.3, 0.1)) -> Place:
    return Place(path, 400, 600, 1, box, name, True, 0.9)


def exif(turned: int, order: str = "<") -> bytes:
    little = order == "<"

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little" if little else "big")

    head = (b"II*\0" if little else b"MM\0*") + number(8, 4)
    entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(turned, 2) + number(0, 2)
    tiff = b"Exif\0\0" + head + number(1, 2) + entry + number(0, 4)
    return b"\xff\xe1" + (len(tiff) + 2).to_bytes(2, "big") + tiff


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_a_box_lies_on_the_stored_picture_where_it_lies_on_the_upright_one(turned, order):
    stored = np.zeros((60, 40, 3), np.uint8)
    stored[6:18, 4:12] = 255
    plain = encode_jpeg(stored, 98)
    data = plain[:2] + exif(turned, order) + plain[2:]
    assert orientation(data) == turned
    upright = decode(data)
    ys, xs = np.nonzero(upright[:, :, 0] > 128)
    height, width = upright.shape[:2]
    left, top = xs.min() / width, ys.min() / height
    box = (left, top, (xs.max() + 1) / width - left, (ys.max() + 1) / height - top)
    told = Place("a.jpg", width, height, turned, box, "Ada", True, None)
    assert told.stored_size == (40, 60)
    assert told.stored_box == pytest.approx((0.1, 0.1, 0.2, 0.2), abs=0.03)


@pytest.mark.parametrize("data", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"eXIfMM\0*\0\0\0\x08\xff\xff"])
def test_notes_that_are_damaged_say_nothing(data):
    assert orientation(data) == 1


def regions(sidecar: bytes) -> dict[str, tuple[float, ...]]:
    found = {}
    for item in minidom.parseString(sidecar).getElementsByTagNameNS(RDF, "li"):
        described = item.getElementsByTagNameNS(RDF, "Description")[0]
        area = described.getElementsByTagNameNS(MWG, "Area")[0]
        assert described.getAttributeNS(MWG, "Type") == "Face" and area.getAttributeNS(AREA, "unit") == "normalized"
        found[described.getAttributeNS(MWG, "Name")] = tuple(float(area.getAttributeNS(AREA, side)) for side in "xywh")
    return found


def test_a_sidecar_says_whose_face_is_where_whatever_the_name():
    names = ["Ada <\"&'> Ö", "]]>", "<!--", "名前"]
    told = sidecars.merged([place(name, box=(0.2 * at, 0.2, 0.1, 0.1)) for at, name in enumerate(names)])
    assert regions(told) == {name: pytest.approx((0.2 * at + 0.05, 0.25, 0.1, 0.1)) for at, name in enumerate(names)}
    assert sidecars.merged([]) is None


THEIRS = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Somebody else"><!-- a remark -->
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" xmlns:o="urn:odd">
   <o:thing>kept</o:thing>%s
  </rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
REGION = b"""<m:Regions xmlns:m="http://www.metadataworkinggroup.com/schemas/regions/" rdf:parseType="Resource">
 <m:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource"><m:Name>Grandma</m:Name><m:Type>Face</m:Type>
 <m:Area xmlns:a="http://ns.adobe.com/xmp/sType/Area#" a:x="0.25" a:y="0.25" a:w="0.3" a:h="0.1" a:unit="normalized"/>
 </rdf:li></rdf:Bag></m:RegionList></m:Regions>"""


def test_what_somebody_else_wrote_stays_and_ours_is_put_anew():
    first = sidecars.merged([place("Ada")], THEIRS % b"")
    for kept in (
        b'x:xmptk="Somebody else"',
        b"a remark",
        b'xmp:Rating="4"',
        b"<o:thing>kept</o:thing>",
        b"xpacket end",
    ):
        assert kept in first
    second = sidecars.merged([place("Grace", box=(0.5, 0.5, 0.1, 0.1))], first)
    assert b"Ada" not in second and b"Grace" in second and second.count(b"mwg-rs:Name") == 1
    assert sidecars.merged([place("Ada")], first) == first
    assert b"Ada" not in sidecars.merged([], first) and sidecars.is_marked(first) and not sidecars.is_marked(THEIRS)


def test_a_face_that_somebody_else_has_named_keeps_their_name():
    there = THEIRS % REGION
    same = sidecars.merged([place("Ada")], there)
    assert b"Grandma" in same and b"Ada" not in same
    other = sidecars.merged([place("Ada", box=(0.6, 0.6, 0.2, 0.2))], there)
    assert b"Grandma" in other and b"Ada" in other and other.count(b"RegionList>") == there.count(b"RegionList>")


@pytest.mark.parametrize(
    "there",
    [
        b"", b"no XML", b"<notes>mine</notes>", b"<x:xmpmeta>", THEIRS[:-40],
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>', b"\xff\xfe<\0x\0", b"<a/>" * 300_000,
    ],
)  # fmt: skip
def test_what_is_no_sidecar_is_left_alone(there):
    with pytest.raises(sidecars.SidecarRefused):
        sidecars.merged([place()], there)


@pytest.mark.parametrize("text", [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n=1", "\uff1d1", '=cmd|"x"!A1',
])  # fmt: skip
def test_a_table_calculates_nothing(text):
    rows = list(csv.reader(io.StringIO(tables.to_csv([place(text, f"{text}.jpg")]))))
    assert rows[1][0] == f"'{text}.jpg" and rows[1][1] == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", 'Ada "A", B', "O'Neil", "a=b"])
def test_other_text_stays_as_it_is(text):
    assert next(csv.DictReader(io.StringIO(tables.to_csv([place(text)]))))["name"] == text


@pytest.mark.parametrize(
    "name", ["..", ".", "../../etc", "a/b", "a\\b", ".hidden", "con", "NUL.txt", "x" * 300, "a\0b", "\u202e", " "]
)
def test_no_name_leads_out_of_the_folder_of_links(name):
    for link, target in link_folders([place(name, f"in/{name.replace('/', '_')}.jpg")]).items():
        folder, file = PurePosixPath(link).parts
        for part in (folder, file):
            assert part not in ("", ".", "..") and not part.startswith(".") and len(part.encode()) < 256
            assert not set(part) & set('/\\:*?"<>|\0\u202e')
        assert folder.casefold().split(".")[0] not in ("con", "nul")
        assert target.startswith("../../in/")


def test_two_who_would_share_a_folder_and_two_files_of_one_name_do_not():
    places = [place("A/B", "x/1.jpg"), place("A:B", "y/2.jpg"), place("A/B", "z/1.jpg"), place("a/b", "w/3.jpg")]
    links = link_folders(places)
    assert len(links) == 4 and len({link.partition("/")[0].casefold() for link in links}) == 3
    assert sorted(links.values()) == ["../../w/3.jpg", "../../x/1.jpg", "../../y/2.jpg", "../../z/1.jpg"]


def test_a_box_beyond_the_border_ends_at_it():
    assert place(box=(-0.1, 0.9, 0.3, 0.3)).stored_box == pytest.approx((0, 0.9, 0.2, 0.1))
