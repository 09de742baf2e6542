"""BORIS: project files (.boris, JSON) and tables of events, read; project files written.

BORIS's user guide, "Export events", has the columns of its tables; a state is two events, its begin and its end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.sessions.formats.tiers import Annotation, FormatError, Tier

#: What BORIS calls whom an event without a subject is about.
NO_SUBJECT = "No focal subject"
#: Columns of every table of events, in lower case.
COLUMNS = ("subject", "behavior")
_PLAYERS = 8

#: Subject, behaviour, s, and START, STOP or POINT.
Event = tuple[str, str, float, str]


def read(text: str, file_name: str = "") -> list[Tier]:
    """The events of a project, a tier for each observation and subject, the observation as the coder.

    Of several observations those count that are about a recording of the name `file_name`. Raises FormatError for
    what is no project.
    """
    try:
        project = json.loads(text)
        observations, behaviours = project["observations"], project["behaviors_conf"]
        states = {entry["code"] for entry in behaviours.values() if entry["type"].lower().startswith("state")}
        tiers = []
        for name, observation in _about(observations, file_name).items():
            events = []
            open_states: set[tuple[str, str]] = set()
            for time, subject, code, *_ in sorted(observation["events"], key=lambda event: float(event[0])):
                key = str(subject), str(code)
                kind = "POINT" if code not in states else "STOP" if key in open_states else "START"
                if kind != "POINT":
                    open_states ^= {key}
                events.append((*key, float(time), kind))
            tiers += paired(events, name)
    except RecursionError as error:
        raise FormatError("nested too deeply for a project of BORIS") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"a JSON file, but not a project of BORIS ({type(error).__name__}: {error})") from error
    return tiers


def _about(observations: Mapping[str, Any], file_name: str) -> dict[str, Any]:
    """The observations of the recording; the only one, whatever it is of."""
    if len(observations) < 2 or not file_name:
        return dict(observations)
    media = {
        name: {
            str(path).replace("\\", "/").rsplit("/", 1)[-1] for of in observation["file"].values() for path in of
        }
        for name, observation in observations.items()
        if isinstance(observation.get("file"), dict)
    }
    chosen = {name: observations[name] for name, files in media.items() if file_name in files}
    if not chosen:
        raise FormatError(f"none of its {len(observations)} observations is of {file_name}; export that one alone")
    return chosen


def paired(events: Iterable[Event], coder: str) -> list[Tier]:
    """Events in order of time as annotations, a tier a subject. Raises FormatError for an end without a begin."""
    begins: dict[tuple[str, str], float] = {}
    annotations: dict[str, list[Annotation]] = {}
    for subject, behaviour, time, kind in events:
        if not math.isfinite(time):
            raise FormatError(f"{subject} has {behaviour} at no finite time")
        of_subject = annotations.setdefault(subject or NO_SUBJECT, [])
        if kind == "POINT":
            of_subject.append(Annotation(time, time, behaviour))
        elif kind == "START":
            begins[subject, behaviour] = time
        elif (subject, behaviour) in begins:
            of_subject.append(Annotation(begins.pop((subject, behaviour)), time, behaviour))
        else:
            raise FormatError(f"{subject or NO_SUBJECT}: {behaviour} ends at {time:g} s and never began")
    for (subject, behaviour), time in begins.items():
        raise FormatError(f"{subject or NO_SUBJECT}: {behaviour} begins at {time:g} s and never ends")
    return [
        Tier(f"{coder}@{subject}", tuple(sorted(own)), "" if subject == NO_SUBJECT else subject, coder)
        for subject, own in annotations.items()
    ]


def read_table(rows: Sequence[Mapping[str, str]]) -> list[Tier]:
    """The events of a table that BORIS exported, tabular or aggregated, by column in lower case."""
    observations: dict[str, list[tuple[str, str, str, str, str]]] = {}
    for row in rows:
        observation = row.get("observation id", "") or "BORIS"
        subject = "" if row["subject"] == NO_SUBJECT else row["subject"]
        kind = (row.get("behavior type") or row.get("status") or "").upper()
        start = row.get("start (s)") or row.get("time") or row.get("start") or ""
        stop = row.get("stop (s)") or row.get("stop") or ""
        observations.setdefault(observation, []).append((subject, row["behavior"], kind, start, stop))
    tiers = []
    for observation, entries in observations.items():
        events = []
        for subject, behaviour, kind, start, stop in entries:
            if kind in ("START", "STOP", "POINT") and not (kind == "POINT" and stop and stop != start):
                events.append((subject, behaviour, _seconds(start), kind))
            elif kind == "STATE":
                events += [
                    (subject, behaviour, _seconds(start), "START"),
                    (subject, behaviour, _seconds(stop), "STOP"),
                ]
            else:
                raise FormatError(
                    f"the event {behaviour!r} at {start!r} is {kind or 'of no type'}; it is "
                    "START, STOP, POINT or STATE"
                )
        # A state that ends where the same begins again ends first.
        order = {"STOP": 0, "POINT": 1, "START": 2}
        tiers += paired(sorted(events, key=lambda event: (event[2], order[event[3]])), observation)
    return tiers


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise FormatError(f"{text[:20]!r} is not a number of seconds") from None


def write(
    tiers: Sequence[Tier], media: str, duration: float, vocabularies: Mapping[str, Iterable[str]], name: str
) -> str:
    """A project with one observation, in which every tier is a subject with states that exclude each other.

    `vocabularies` are the behaviours by category. A tier's subject is its student, else its name.
    """
    behaviours: dict[str, dict[str, str]] = {}
    for category, codes in vocabularies.items():
        listed = list(codes)
        for code in listed:
            behaviours[str(len(behaviours))] = {
                "type": "State event",
                "key": "",
                "code": code,
                "description": "",
                "category": category,
                "modifiers": "",
                "excluded": ",".join(other for other in listed if other != code),
                "coding map": "",
            }
    subjects = list(dict.fromkeys(tier.student or tier.name for tier in tiers))
    events = [
        [round(time, 3), tier.student or tier.name, annotation.text, "", ""]
        for tier in tiers
        for annotation in tier.annotations
        for time in (annotation.start, annotation.stop)
    ]
    files = {str(player): [media] if player == 1 else [] for player in range(1, _PLAYERS + 1)}
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    project = {
        "time_format": "hh:mm:ss",
        "project_date": now,
        "project_name": name,
        "project_description": "verdicts exported by classpulse",
        "project_format_version": "7.0",
        "subjects_conf": {
            str(place): {"key": "", "name": subject, "description": ""} for place, subject in enumerate(subjects)
        },
        "behaviors_conf": behaviours,
        "behavioral_categories": list(vocabularies),
        "observations": {
            "classpulse": {
                "file": files,
                "type": "MEDIA",
                "date": now,
                "description": "",
                "time offset": 0.0,
                "observation time interval": [0, 0],
                "independent_variables": {},
                "close_behaviors_between_videos": False,
                "media_info": {
                    "length": {media: duration},
                    "fps": {media: 0.0},
                    "hasVideo": {media: True},
                    "hasAudio": {media: False},
                },
                "events": sorted(events, key=lambda event: float(str(event[0]))),
            }
        },
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    return json.dumps(project, indent=1, ensure_ascii=False) + "\n"
