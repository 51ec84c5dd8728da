"""A file that people edit is read whole, or every fault in it is named with file and line."""

import hashlib
from pathlib import Path

import pytest

from governance.kernel.documents import Document, FileFault, read_yaml, refusal

SCHEMA = """{
  "type": "object",
  "required": ["title"],
  "properties": {
    "title": {"type": "string"},
    "day": {"type": "string", "format": "date"},
    "items": {
      "type": "array",
      "items": {"required": ["name"], "properties": {"size": {"maximum": 9}}}
    }
  }
}"""


def read(
    folder: Path, content: str | bytes, schema: str = SCHEMA
) -> tuple[Document, list[FileFault]]:
    (folder / "list.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "list.json").write_text(schema, "utf-8")
    return read_yaml(folder, "list.yaml", "list.json")


def test_what_looks_like_a_date_or_yes_or_no_stays_text(tmp_path: Path) -> None:
    document, faults = read(tmp_path, "title: no\nday: 2026-11-22\nlast: [on, Yes, True]")
    assert faults == []
    assert document.value == {"title": "no", "day": "2026-11-22", "last": ["on", "Yes", "True"]}


def test_nothing_is_merged_into_another_part(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "title: x\n<<: {day: y}\n")
    assert document.value == {"title": "x", "<<": {"day": "y"}}


def test_true_false_null_and_whole_numbers_are_values(tmp_path: Path) -> None:
    document, faults = read(tmp_path, "title: x\nvalues: [true, false, null, 7]")
    assert faults == []
    assert document.value["values"] == [True, False, None, 7]


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    content = "title: é\r\n"
    assert read(tmp_path, content)[0].digest == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("title: [x", 1, "expected ',' or ']'"),
        ("title: x\nday: y: z\n", 2, "mapping values are not allowed here"),
        ("title: x\n---\ntitle: y\n", 2, "found another document"),
        (b"title: x\nday: \xff\n", 2, "the text is not UTF-8"),
        ("title: é\nday: \x07\n", 2, "special characters are not allowed"),
        ("title: &x y\nday: *x\n", 2, "references (*name) and tags (!name) are not allowed"),
        ("title: x\nday: !!timestamp 2026-11-22\n", 2, "write it out"),
        ("title: x\nitems:\n  - name: y\n    name: z\n", 4, "“name” is written twice"),
        ("title: x\n7: y\n", 2, "7: names must be text"),
        ("title: x\ntrue: y\n", 2, "true: names must be text"),
        ("title: x\n? [a, b]\n: y\n", 2, "found unhashable key"),
        pytest.param(f"title: {'1' * 5000}\n", 1, "no number: write it in quotes", id="digits"),
        ("title: x\nday: 0b_\n", 1, "no number: write it in quotes"),
        ('title: x\nday: "\\ud800"\n', 2, "half a letter"),
        ('title: x\n"\\ud800": y\n', 2, "half a letter"),
        ("title: x\nitems:\n  - 0.5\n", 3, "0.5: write numbers with a fraction in quotes"),
    ],
)
def test_a_fault_of_form_names_its_line(
    tmp_path: Path, content: str | bytes, line: int, message: str
) -> None:
    _, (fault,) = read(tmp_path, content)
    assert (fault.file, fault.line) == ("list.yaml", line)
    assert message in fault.message


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("- title\n", 1, 'not of type "object"'),
        ("day: 2026-11-22\n", 1, '"title" is a required property'),
        ("title: x\nday: 2026-02-30\n", 2, '"2026-02-30" is not a "date"'),
        ("title: x\nitems:\n  - name: y\n    size:\n      10\n", 4, "10 is greater than"),
        ("title: x\nitems:\n  - name: y\n  - size: 1\n", 4, '"name" is a required property'),
    ],
)
def test_what_the_schema_does_not_allow_names_its_line(
    tmp_path: Path, content: str, line: int, message: str
) -> None:
    _, (fault,) = read(tmp_path, content)
    assert (fault.file, fault.line) == ("list.yaml", line)
    assert message in fault.message


def test_all_faults_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "items:\n  - name: x\n    size: 10\n  - size: 1\ntitle: 7\n")
    assert [fault.line for fault in faults] == [3, 4, 5]


def test_a_fault_at_a_part_that_is_not_there_names_the_part_around_it(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "title: x\nitems:\n  - name: y\n")
    assert document.fault(("items", 0, "size", 3), "!").line == 3
    assert document.fault(("elsewhere",), "!").line == 1


@pytest.mark.parametrize("missing", ["list.yaml", "list.json"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, missing: str) -> None:
    read(tmp_path, "title: x\n")
    (tmp_path / missing).unlink()
    _, faults = read_yaml(tmp_path, "list.yaml", "list.json")
    message = "the file cannot be read: No such file or directory"
    assert faults == [FileFault(missing, 1, message)]


@pytest.mark.parametrize(
    ("schema", "line", "message"),
    [
        ('{\n"type": ', 2, "unexpected end"),
        ('{"type": "list"}', 1, '"list" is not valid'),
        ('{"$ref": "#/$defs/none"}', 1, "does not exist"),
    ],
)
def test_a_schema_that_is_none_is_a_fault(
    tmp_path: Path, schema: str, line: int, message: str
) -> None:
    _, (fault,) = read(tmp_path, "title: x\n", schema)
    assert (fault.file, fault.line) == ("list.json", line)
    assert message in fault.message


def test_a_refusal_has_one_line_for_each_fault() -> None:
    error = refusal("list_invalid", [FileFault("a/b.yaml", 3, "x"), FileFault("c.yaml", 1, "y")])
    assert error.code == "list_invalid"
    assert error.message == "a/b.yaml:3: x\nc.yaml:1: y"
