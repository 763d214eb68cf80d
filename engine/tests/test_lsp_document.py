"""Positions and edits of an open text, against a plain model of the protocol's rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from tino_engine.lsp.document import Document
from tino_engine.strategies import Span

URI = "file:///w/a.py"
BREAK = re.compile(r"(\r\n|\r|\n)")


def model_offset(text: str, position: types.Position) -> int:
    """The byte in UTF-16 at a position, found by walking over the lines."""
    pieces = BREAK.split(text)
    lines, ends = pieces[0::2], [*pieces[1::2], ""]
    if position.line >= len(lines):
        return len(text.encode("utf-16-le"))
    before = sum(len((line + end).encode("utf-16-le")) for line, end in zip(lines[: position.line], ends, strict=False))
    return before + 2 * min(position.character, len(lines[position.line].encode("utf-16-le")) // 2)


texts = st.text(alphabet=st.sampled_from("ab \n\r\té😀\f\v\x1c\x85\u2028"), max_size=40)
positions = st.builds(types.Position, line=st.integers(0, 8), character=st.integers(0, 12))


def is_inside_a_pair(data: bytes, offset: int) -> bool:
    unit = data[offset : offset + 2]
    return len(unit) == 2 and 0xDC00 <= int.from_bytes(unit, "little") <= 0xDFFF


@given(texts, st.lists(st.tuples(positions, positions, texts), max_size=5))
def test_edits_are_applied_as_the_protocol_says(
    text: str, edits: list[tuple[types.Position, types.Position, str]]
) -> None:
    document = Document(URI, text, 1)
    for start, end, new in edits:
        if (end.line, end.character) < (start.line, start.character):
            start, end = end, start
        data = text.encode("utf-16-le")
        first, last = model_offset(text, start), model_offset(text, end)
        if is_inside_a_pair(data, first) or is_inside_a_pair(data, last):
            continue
        text = (data[:first] + new.encode("utf-16-le") + data[last:]).decode("utf-16-le")
        document.change([types.TextDocumentContentChangePartial(range=types.Range(start, end), text=new)], 2)
        assert document.text == text


def test_a_change_without_a_range_is_the_whole_text() -> None:
    document = Document(URI, "old", 1)
    document.change([types.TextDocumentContentChangeWholeDocument(text="new")], 7)
    assert (document.text, document.version) == ("new", 7)


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("abc", Span(1, 1, 1, 2), ((0, 1), (0, 2))),
        ("😀 = 'é'", Span(1, 4, 1, 7), ((0, 5), (0, 8))),
        ("a\r\nb\rc\nd", Span(4, 0, 4, 1), ((3, 0), (3, 1))),
        ("a\fb\u2028c", Span(1, 4, 1, 5), ((0, 4), (0, 5))),
        ("abc", Span(9, 4, 9, 9), ((0, 3), (0, 3))),
        ("abc", Span(1, 99, 1, 99), ((0, 3), (0, 3))),
    ],
)
def test_spans_become_ranges(text: str, span: Span, expected: tuple[tuple[int, int], tuple[int, int]]) -> None:
    found = Document(URI, text, 1).range(span)
    assert ((found.start.line, found.start.character), (found.end.line, found.end.character)) == expected


@pytest.mark.parametrize(("character", "column"), [(0, 0), (1, 0), (2, 1), (3, 2), (99, 3)])
def test_columns_count_characters(character: int, column: int) -> None:
    assert Document(URI, "😀ab", 1).column(types.Position(0, character)) == column


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///w/a%20b%C3%A9.py", "/w/a bé.py"),
        ("file:///C%3A/w/a.py", "c:/w/a.py"),
        ("untitled:Untitled-1", None),
        ("git:/w/a.py?ref", None),
    ],
)
def test_paths_come_from_file_addresses_only(uri: str, path: str | None) -> None:
    assert Document(uri, "", 1).path == path
