"""What is written in a format of annotation software is read again as it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sessions.formats import boris, eaf, textgrid, webvtt
from engine.sessions.formats.tiers import Annotation, Tier

#: Texts as people write them: no control characters, no blanks around, and nothing that XML cannot hold.
TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
CODES = st.sampled_from(["interested", "neutral", "not interested"])


@st.composite
def runs(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> tuple[Annotation, ...]:
    """Annotations that lie apart, in order, at milliseconds."""
    bounds = draw(st.lists(st.integers(0, 10_000_000), unique=True, max_size=12))
    times = [bound / 1000 for bound in sorted(bounds)]
    return tuple(Annotation(start, stop, draw(texts)) for start, stop in zip(times[::2], times[1::2], strict=False))


TIERS = st.lists(st.builds(Tier, TEXTS, runs(), TEXTS, TEXTS), max_size=4)


@settings(max_examples=60, deadline=None)
@given(TIERS)
def test_an_eaf_file_is_read_as_it_was_written(tiers: list[Tier]) -> None:
    assert eaf.read(eaf.write(tiers, "lesson.mp4", {"verdict": ["interested", "neutral"]})) == tiers


@settings(max_examples=60, deadline=None)
@given(TIERS)
def test_a_textgrid_is_read_as_it_was_written_without_students_and_coders(tiers: list[Tier]) -> None:
    found = textgrid.read(textgrid.write(tiers, 30.0))
    assert found == [Tier(tier.name, tier.annotations) for tier in tiers]


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXTS, runs(CODES), max_size=4))
def test_a_project_of_boris_is_read_as_it_was_written(subjects: dict[str, tuple[Annotation, ...]]) -> None:
    tiers = [Tier(f"verdict@{subject}", own, subject) for subject, own in subjects.items() if own]
    text = boris.write(tiers, "a.mp4", 30.0, {"verdict": ["interested", "neutral", "not interested"]}, "lesson")
    found = {tier.student: tier.annotations for tier in boris.read(text, "a.mp4")}
    assert found == {tier.student: tier.annotations for tier in tiers}


@settings(max_examples=60, deadline=None)
@given(runs())
def test_webvtt_is_read_as_it_was_written(cues: tuple[Annotation, ...]) -> None:
    assert webvtt.read("".join(webvtt.lines(cues))) == list(cues)
