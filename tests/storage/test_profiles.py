"""Profiles: kept, replaced, read back and dropped, on either database."""

from __future__ import annotations

import pandas as pd
import pytest

from storage.errors import SessionError
from storage.profiles import all_profiles, drop_profile, profile_settings, write_profile
from storage.store import Store

pytestmark = pytest.mark.both_databases
VALUES = {"origin": "fitted", "sha256": "ab", "coders": 2, "students": 12, "intervals": 90, "kappa_before": 0.5}


def test_profiles(lesson: Store) -> None:
    for band in (0.2, 0.3):
        write_profile(lesson, "ours", {"band": band}, **VALUES, kappa_in=float("nan"), kappa_out=0.25)
    write_profile(lesson, "a", {"band": 0.1}, **VALUES, kappa_in=1.0, kappa_out=1.0)
    kept = all_profiles(lesson)
    assert kept["name"].tolist() == ["a", "ours"]
    assert pd.isna(kept["kappa_in"][1])
    assert kept["kappa_out"][1] == 0.25
    assert profile_settings(lesson, "ours") == {"band": 0.3}
    drop_profile(lesson, "a")
    for use in (profile_settings, drop_profile):
        with pytest.raises(SessionError, match="no profile 'a'; there are ours"):
            use(lesson, "a")
    lesson.delete_session(1)
    assert len(all_profiles(lesson)) == 1  # what was fitted outlives the session
