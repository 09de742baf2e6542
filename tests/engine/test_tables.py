"""CSV files as spreadsheets and people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.tables import read_rows

TABLE = [{"person": "7", "name": "Zoë, the tall"}, {"person": "12", "name": "Ben"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "text",
    [
        'person,name\n7,"Zoë, the tall"\n12,Ben\n',
        "person;name\n7;Zoë, the tall\n\n12;Ben",
        "Person\tName\n7\tZoë, the tall\n12\t Ben \n",
        "sep=;\nperson;name\n7;Zoë, the tall\n12;Ben\n",
        '"sep=\t"\nperson\tname\n7\tZoë, the tall\n12\tBen\n',
        "SEP=|\nperson|name\n7|Zoë, the tall\n12|Ben\n",
        '\n\nperson,name\n7,"Zoë, the tall"\n12,Ben\n;\n'.replace(";\n", ",\n"),
    ],
)
def test_separators_and_encodings_of_spreadsheets(tmp_path: Path, text: str, end: str, encoding: str) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes(text.replace("\n", end).encode(encoding))
    rows = read_rows(path, ["person", "name"])
    assert [row.values for row in rows] == TABLE


def test_big_endian_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes(b"\xfe\xff" + "person;name\n7;Zoë\n".encode("utf-16-be"))
    assert read_rows(path, ["name"])[0].values == {"person": "7", "name": "Zoë"}


def test_places_count_the_line_of_the_separator(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("sep=;\nperson;name\n7;Ada\n8;Ben;Cem\n")
    with pytest.raises(UsageError, match="row 4: has 3 values, but there are 2 columns"):
        read_rows(path, ["person"])
    path.write_text("sep=;\nperson;name\n7;Ada\n")
    assert read_rows(path, ["person"])[0].place == f"{path}, row 3"


@pytest.mark.parametrize("text", ["", "\n\n", "sep=;\n", ",,\n"])
def test_nothing_in_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"row 1: empty; the first row must name the columns person, name"):
        read_rows(path, ["person", "name"])


def test_utf_16_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes("person,name\n7,Ada\n".encode("utf-16")[:-1])
    with pytest.raises(UsageError, match="not UTF-8; save the table as CSV in UTF-8"):
        read_rows(path, ["person"])
