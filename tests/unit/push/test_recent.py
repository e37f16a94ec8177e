"""The recent ring against a plain list that forgets nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from push_parts import entry

from syncd.push import recent as recents
from syncd.push.recent import Recent

STREAMS = ("a:alice", "a:bob", "p:playlist-of-alice-00")

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(STREAMS), st.integers(1, 40)),
        st.just("unreadable"),
    ),
    max_size=60,
)  # fmt: skip


@given(steps, st.integers(0, 30), st.integers(1, 200), st.sampled_from([1, 2, 100]))
def test_what_it_covers_it_has_whole_and_it_never_claims_more(
    steps: list[tuple[str, int] | str], start: int, bytes_max: int, streams_max: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recents, "FORGOTTEN_STREAMS_MAX", streams_max)
        recent = Recent(position=start, bytes_max=bytes_max)
        everything = []
        kept_bytes: list[int] = []
        for offset, step in enumerate(steps, start):
            if isinstance(step, str):
                recent.skip(offset)
                continue
            stream, size = step
            everything.append(entry(offset, stream=stream, size=size))
            kept_bytes.append(size)
            recent.extend([everything[-1]])
        end = start + len(steps)
        assert recent.position == end
        while sum(kept_bytes) > bytes_max:
            kept_bytes.pop(0)
        assert recent.bytes == sum(kept_bytes)
        newest = everything[len(everything) - len(kept_bytes) :]
        for stream in STREAMS:
            dropped = [each.offset for each in everything if each.stream == stream and each not in newest]
            for offset in range(end + 2):
                whole = [each for each in everything if each.stream == stream and each.offset >= offset]
                if recent.covers(stream, offset):
                    assert start <= offset <= end
                    assert list(recent.since(stream, offset)) == whole
                elif start <= offset <= end and streams_max == 100:
                    # It must not forget more than it has to: a resume that memory could serve would ask the database.
                    assert any(gone >= offset for gone in dropped)


def test_a_quiet_stream_stays_covered_while_others_are_forgotten() -> None:
    recent = Recent(position=0, bytes_max=10)
    recent.extend([entry(0, stream="a:quiet", size=1)])
    recent.extend([entry(1, stream="a:busy", size=9)])
    recent.extend([entry(2, stream="a:busy", size=9)])
    assert recent.covers("a:quiet", 1)
    assert recent.covers("a:never heard of", 0)
    assert not recent.covers("a:quiet", 0)
    assert not recent.covers("a:busy", 1)
    assert recent.covers("a:busy", 2)
    assert [each.offset for each in recent.since("a:busy", 2)] == [2]


def test_too_many_forgotten_streams_share_one_border(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recents, "FORGOTTEN_STREAMS_MAX", 2)
    recent = Recent(position=0, bytes_max=1)
    for offset in range(4):
        recent.extend([entry(offset, stream=f"a:{offset}", size=1)])
    assert not recent.covers("a:0", 0)
    assert not recent.covers("a:never heard of", 2)
    assert recent.covers("a:never heard of", 3)
    assert recent.covers("a:3", 3)


def test_a_record_out_of_order_is_a_bug_of_ours() -> None:
    recent = Recent(position=5, bytes_max=10)
    with pytest.raises(AssertionError, match="record 4 after 5"):
        recent.extend([entry(4)])
