"""Reading docstrings from sources, without importing them."""

from __future__ import annotations

import pytest

from cookbook.docstrings import LONGEST, load_docstrings

SOURCE = '''"""A module about parcels, long enough to be kept by the reader."""

class Parcel:
    """A box on its way to somebody."""

    weight: float

    def send(self, address):
        """Send the parcel to an address, which must be a complete one."""

    async def asend(self, address):
        """Send the parcel to an address, which must be a complete one, later."""

    def _open(self):
        """Open the parcel although it is private, which nobody should ever do."""

class Letter(Parcel):
    """A thin parcel of paper."""

    def send(self, address):
        """Send the letter to an address, which may be a post-office box."""

@deprecated("1.0")
class Telegram:
    """A message of former times that nobody sends any more."""

def weigh(parcel, *, unit="g"):
    """Tell the weight of a parcel.

    ```python
    weigh(secretcode)
    ```
    """
'''


@pytest.fixture
def found(tmp_path, monkeypatch):
    package = tmp_path / "post"
    (package / "tests").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "office.py").write_text(SOURCE)
    (package / "tests" / "test_office.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    return {docstring.name: docstring for docstring in load_docstrings("post")}


def test_public_documented_objects_are_read_once_and_without_import(found):
    office = "post.office"
    assert list(found) == [
        office,
        f"{office}.Letter",
        f"{office}.Parcel",
        f"{office}.Parcel.send",
        f"{office}.weigh",
    ]


def test_text_has_kind_name_description_and_arguments_but_no_code(found):
    text = found["post.office.weigh"].text
    assert text == "function post.office.weigh: Tell the weight of a parcel. parcel unit"
    assert found["post.office.Parcel"].text.endswith("weight")


def test_source_tells_file_and_line(found):
    assert found["post.office.Parcel.send"].source == "post/office.py:8"
    assert found["post.office"].package == "post"


def test_long_docstrings_are_shortened(tmp_path, monkeypatch):
    (tmp_path / "wordy").mkdir()
    (tmp_path / "wordy" / "__init__.py").write_text(f'"""{"word " * 2000}"""')
    monkeypatch.syspath_prepend(tmp_path)
    assert [len(doc.text.split()) for doc in load_docstrings("wordy")] == [LONGEST + 2]


def test_unknown_package_is_refused():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_docstrings("no_such_package")
