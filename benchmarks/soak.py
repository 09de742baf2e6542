"""`make bench-soak`: recordings damaged at random: none may end in a traceback, hang, or lose frames silently.

Small drawn videos in several containers are cut, zeroed, shuffled, joined, or written anew with packets dropped,
doubled and swapped. Each is opened and read to its end in a process of its own. Right is: one line that says why it
cannot be read, or as many frames as FFmpeg itself decodes, where those that are left out are counted, for the
warning that is stored with the session. `python -m benchmarks.soak [COUNT [SEED [FIRST]]]`; exits with 1 where
anything is wrong.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.stream import VideoStream

from benchmarks.usage import NOT_POSIX
from engine.errors import SourceError
from engine.vision.sources.containers import open_recording, packets_of
from engine.vision.sources.video import Video
from tests.engine.synthetic import numbered, write_video

COUNT, SEED = 500, 1
#: Seconds that a recording may take.
LIMIT = 60.0
FRAMES = 75
#: Container and codec of what is damaged.
BASES = (
    ("lesson.mp4", "libx264"),
    ("lesson.mkv", "libx264"),
    ("lesson.ts", "libx264"),
    ("lesson.avi", "mpeg4"),
    ("lesson.mpg", "mpeg2video"),
    ("lesson.mov", "mjpeg"),
    ("lesson.webm", "libvpx"),
    ("lesson.flv", "flv1"),
    ("lesson.h264", "libx264"),
)
Bytes = bytes
Mutation = Callable[[Bytes, np.random.Generator], Bytes]


def cut(data: Bytes, random: np.random.Generator) -> Bytes:
    """The beginning, the end or a stretch is missing."""
    a, b = sorted(random.integers(0, len(data), 2).tolist())
    return (data[:b], data[a:], data[:a] + data[b:])[random.integers(3)]


def zeroed(data: Bytes, random: np.random.Generator) -> Bytes:
    """Up to five stretches read as zeros, as those of a bad disk do."""
    changed = bytearray(data)
    for _ in range(random.integers(1, 6)):
        at, length = int(random.integers(len(data))), int(2 ** random.uniform(4, 13))
        changed[at : at + length] = bytes(len(changed[at : at + length]))
    return bytes(changed)


def shuffled(data: Bytes, random: np.random.Generator) -> Bytes:
    """Blocks stand in another order."""
    size = int(random.choice([188, 512, 4096]))
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    first = int(random.integers(len(blocks)))
    some = blocks[first : first + int(random.integers(2, 12))]
    random.shuffle(some)
    return b"".join([*blocks[:first], *some, *blocks[first + len(some) :]])


def flipped(data: Bytes, random: np.random.Generator) -> Bytes:
    """Up to 200 single bytes are others."""
    changed = np.frombuffer(data, np.uint8).copy()
    places = random.integers(0, len(data), random.integers(1, 200))
    changed[places] = random.integers(0, 256, len(places), dtype=np.uint8)
    return changed.tobytes()


def joined(data: Bytes, random: np.random.Generator) -> Bytes:
    """The file or a part of it, twice or with its end before its beginning."""
    at = int(random.integers(len(data)))
    return (data + data, data + data[at:], data[:at] + data, data[at:] + data[:at])[random.integers(4)]


MUTATIONS: tuple[Mutation, ...] = (cut, zeroed, shuffled, flipped, joined)


def remuxed(source: Path, target: Path, random: np.random.Generator) -> None:
    """Write the packets anew: some are dropped, doubled or swapped, or have other timestamps."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        packets = [packet for packet in old.demux(stream) if packet.size]
        order = list(range(len(packets)))
        for _ in range(random.integers(1, 8)):
            a, b = random.integers(0, len(order), 2).tolist()
            match random.integers(3):
                case 0:
                    order.pop(a)
                case 1:
                    order[a], order[b] = order[b], order[a]
                case _:
                    order.insert(b, order[a])
        written = new.add_stream_from_template(stream)
        shift, since = int(random.integers(-500_000, 500_000)), int(random.integers(len(order)))
        for place, number in enumerate(order):
            packet = packets[number]
            packet.stream = written
            if place >= since and packet.pts is not None and packet.dts is not None and random.random() < 0.5:
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            try:
                new.mux(packet)
            except FFmpegError:  # the muxer refuses such a timestamp
                continue


def make(folder: Path, number: int, seed: int) -> tuple[Path, str]:
    """Recording `number`, and what was done to it."""
    random = np.random.default_rng([seed, number])
    name, _ = BASES[random.integers(len(BASES))]
    base, path = folder / name, folder / f"{number}{Path(name).suffix}"
    if random.random() < 0.25 and base.suffix not in (".h264", ".avi"):
        try:
            remuxed(base, path, random)
            return path, f"{name} with other packets"
        except (FFmpegError, ValueError):  # no such file can be written
            pass
    data, done = base.read_bytes(), []
    for _ in range(random.integers(1, 3)):
        mutation = MUTATIONS[random.integers(len(MUTATIONS))]
        data = mutation(data, random) or data[:1]
        done.append(mutation.__name__)
    path.write_bytes(data)
    return path, f"{name} {' and '.join(done)}"


def decoded(path: Path, stream: int) -> int:
    """Whole frames that FFmpeg's own loop gives of a file, until it can read no more."""
    count = 0
    with open_recording(path) as container:
        chosen = container.streams[stream]
        assert isinstance(chosen, VideoStream)
        chosen.codec_context.thread_count = 1
        packets = packets_of(container, chosen)
        while True:
            try:
                packet = next(packets, None)
                frames = chosen.codec_context.decode(packet) if packet else chosen.codec_context.decode(None)
            except EOFError:
                return count
            except FFmpegError:
                packet, frames = None, []
            count += sum(not frame.is_corrupt for frame in frames)
            if packet is None:
                return count


def read(path: Path, answer: Connection) -> None:
    """Read a file whole, and send what became of it: a kind and a text."""
    try:
        with Video(path) as video:
            given = sum(1 for _ in video.frames(None))
            whole = decoded(path, video._stream)
            text = (
                f"{whole} frames decode; {given} given, {video.damaged} left out ({video.dropped} for their time)"
            )
            answer.send(("read" if given + video.damaged >= whole else "lost", text))
    except SourceError as error:
        answer.send(("traceback" if "\n" in str(error) else "refused", str(error)))


def main(count: int = COUNT, seed: int = SEED, first: int = 0) -> int:
    """Print how many recordings ended how, and every wrong one; 1 if there is any, else 0."""
    if sys.platform == "win32":
        raise SystemExit(NOT_POSIX)
    av.logging.set_level(None)
    ends, slowest, context = Counter[str](), 0.0, multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for base, codec in BASES:
            images = [numbered(k, 160, 96) for k in range(FRAMES)]
            pixels = "yuvj420p" if codec == "mjpeg" else None
            write_video(folder / base, range(FRAMES), images=images, codec=codec, pix_fmt=pixels)
        for number in range(first, first + count):
            path, done = make(folder, number, seed)
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=read, args=(path, theirs))
            began = time.monotonic()
            process.start()
            theirs.close()
            try:
                kind, text = ours.recv() if ours.poll(LIMIT) else ("hang", f"more than {LIMIT:g} s")
            except EOFError:
                kind, text = "traceback", "as above"
            process.kill()
            process.join()
            slowest = max(slowest, time.monotonic() - began)
            ends[kind] += 1
            if kind not in ("read", "refused"):
                print(f"{number}: {done}: {kind}: {text}")
            path.unlink()
    wrong = sum(n for kind, n in ends.items() if kind not in ("read", "refused"))
    print(f"{count} recordings, seed {seed}: {dict(ends)}; the slowest took {slowest:.1f} s; {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
