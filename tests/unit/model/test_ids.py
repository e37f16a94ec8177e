"""The forms of names. A pattern's end is the end of the text: Python's `$` alone would also match before a newline."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from syncd.model.ids import (
    EVENT_ID_PATTERN,
    ITEM_ID_PATTERN,
    WRITER_PATTERN,
    from_key_part,
    is_stream,
    key_part,
)
from syncd.testing.histories import texts


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (WRITER_PATTERN, ["k3v9q2m4ta"], ["", "k3v9q2m4t", "k3v9q2m4ta1", "K3v9q2m4ta", "k3v9q2m4ta\n"]),
        (EVENT_ID_PATTERN, ["k3v9q2m4ta.1"], ["k3v9q2m4ta", "k3v9q2m4ta.0", "k3v9q2m4ta.01", "k3v9q2m4ta.1\n"]),
        (
            ITEM_ID_PATTERN,
            ["k3v9q2m4ta.1.0", "k3v9q2m4ta.12.34"],
            ["k3v9q2m4ta.1", "k3v9q2m4ta.1.00", "k3v9q2m4ta.1.0\n"],
        ),
    ],
)
def test_ids(pattern: str, good: list[str], bad: list[str]) -> None:
    assert all(re.search(pattern, text) for text in good)
    assert not any(re.search(pattern, text) for text in bad)


@pytest.mark.parametrize("stream", ["a:9f3c", "a:me", "p:summer-0123456789abcdef"])
def test_streams(stream: str) -> None:
    assert is_stream(stream)
    assert not is_stream(stream + "\n")
    assert not is_stream(stream + "/")


@pytest.mark.parametrize("stream", ["", "a:", "x:9f3c", "p:short", "a:" + "x" * 129, "a:ü"])
def test_no_streams(stream: str) -> None:
    assert not is_stream(stream)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("t1", "t1"),
        ("A.b_c:d~e-f", "A.b_c:d~e-f"),
        ("a/b", "a%2Fb"),
        ("ü", "%C3%BC"),
        ("100%", "100%25"),
        ("a\n", "a%0A"),
    ],
)
def test_parts_of_keys(text: str, part: str) -> None:
    assert key_part(text) == part
    assert from_key_part(part) == text


@given(texts, texts)
def test_different_texts_have_different_parts(a: str, b: str) -> None:
    assert from_key_part(key_part(a)) == a
    assert (key_part(a) == key_part(b)) == (a == b)
