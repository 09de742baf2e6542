"""Runs one ONNX network on a device: OpenVINO on the CPU, ONNX Runtime on a CUDA GPU."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import NetworkError
from engine.vision.quantising import to_8_bits

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

MODELS = Path(__file__).parent / "models"
PRECISIONS = ("f32", "bf16")


class Network:
    """A network that is ready to run: call it with one array, get a tuple of float32 arrays in the file's order.

    `name` is one of the committed networks (`pnet`, `rnet`, `onet`, `fer`), whose bytes are checked against
    models/models.json, or the path of another ONNX file, which is used unchanged. Inputs and outputs are
    described in models/README.md. `threads` is the number of CPU threads; `precision` is the arithmetic on the CPU,
    `bf16` being up to twice as fast where the processor has it (`has_bf16`), and right to about two decimals. With
    `largest` (see `quantising`), convolutions on the CPU are in 8 bits: faster still, and less right.
    A longer batch is run in blocks of `block` rows (on a GPU, 256 at least): more at once are no faster here, and
    every new size costs some ms of set-up, which batches as long as an image has faces would pay again and again.
    With `trunk`, on the CPU, what the last convolution takes is one more array at the end.

    Calls of one Network must not overlap: it owns one set of buffers. Raises NetworkError where the file is missing
    or damaged, or the device does not run it; ValueError for an array of the wrong shape or dtype.
    """

    def __init__(
        self,
        name: str | Path,
        *,
        device: str = "cpu",
        threads: int = 1,
        precision: str = "f32",
        block: int = 16,
        largest: Sequence[float] = (),
        trunk: bool = False,
    ) -> None:
        self.name = str(name)
        self._nothing: dict[tuple[int, ...], tuple[Floats, ...]] = {}
        data = _read(name)
        if device == "cpu":
            self._run, self._dtype, self._shape = _openvino(
                self.name, data, threads, precision, block, largest, trunk=trunk
            )
        elif device == "cuda":
            self._run, self._dtype, self._shape = _onnxruntime(self.name, data, max(block, 256))
        else:
            raise NetworkError(f"unknown device {device!r}; networks run on cpu or cuda")

    def __call__(self, x: Array) -> tuple[Floats, ...]:
        """Run the network over `x`; the arrays that come back are the caller's own."""
        fits = len(x.shape) == len(self._shape) and all(
            expected in (None, size) for size, expected in zip(x.shape, self._shape, strict=True)
        )
        if not fits or x.dtype != self._dtype:
            expected = tuple("any" if size is None else size for size in self._shape)
            raise ValueError(f"{self.name} takes {self._dtype} {expected}, not {x.dtype} {x.shape}")
        if not len(x):
            return self._outputs_of_nothing(x.shape[1:])
        return self._run(x)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Shape of its input array; None for an axis of any length."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its input array."""
        return self._dtype

    def _outputs_of_nothing(self, shape: tuple[int, ...]) -> tuple[Floats, ...]:
        # OpenVINO leaves its outputs as they were when it is given no rows.
        if shape not in self._nothing:
            self._nothing[shape] = tuple(y[:0] for y in self._run(np.zeros((1, *shape), self._dtype)))
        return self._nothing[shape]


def read_metadata(path: Path) -> dict[str, str]:
    """The `metadata_props` of the ONNX file `path`. Raises NetworkError where it is missing or no network."""
    try:
        info = import_openvino().Core().read_model(_read(path), b"").get_rt_info()
    except RuntimeError as error:
        raise NetworkError(f"cannot read the network {path}: {str(error).splitlines()[0]}") from error
    return {str(name): str(entry.value) for name, entry in info["framework"].items()} if "framework" in info else {}


def checksums() -> dict[str, str]:
    """The sha256 of each committed network, by name, as models.json has it and as every loading checks it."""
    return {name: entry["sha256"] for name, entry in _manifest().items()}


def licence_of(name: str) -> str:
    """The licence of a committed network's weights."""
    return _manifest()[name]["licence"]


def import_openvino() -> Any:
    """OpenVINO without its telemetry, which would tell Google Analytics of every run and write to the home folder.

    It sends nothing where the package `openvino_telemetry` is missing.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # importing it fails from now on
    return import_module("openvino")


@cache
def has_bf16() -> bool:
    """Whether this processor computes in bf16, which Network's `precision` can ask for."""
    openvino = import_openvino()

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _manifest() -> dict[str, dict[str, str]]:
    manifest: dict[str, dict[str, str]] = json.loads((MODELS / "models.json").read_text(encoding="utf-8"))
    return manifest


def _read(name: str | Path) -> bytes:
    entry = _manifest().get(str(name))
    path = MODELS / entry["file"] if entry else Path(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        names = ", ".join(_manifest())
        raise NetworkError(f"cannot read the network {path}: {error.strerror}; the names are {names}") from error
    if entry and hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise NetworkError(
            f"the network {path} is damaged (its sha256 is not models.json's); install classpulse again"
        )
    return data


Runner = Callable[[Array], tuple[Floats, ...]]
Loaded = tuple[Runner, np.dtype[Any], tuple[int | None, ...]]


def _openvino(
    name: str, data: bytes, threads: int, precision: str, block: int, largest: Sequence[float], *, trunk: bool
) -> Loaded:
    openvino = import_openvino()

    if precision not in PRECISIONS:
        raise NetworkError(f"unknown precision {precision!r}; available: {' and '.join(PRECISIONS)}")
    core = openvino.Core()
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "ENABLE_CPU_PINNING": False,  # it would pin the threads of every process to the same cores
    }
    try:
        network = core.read_model(data, b"")
        if largest:
            to_8_bits(network, largest)
        if trunk:
            last = [op for op in network.get_ordered_ops() if op.get_type_name().endswith("Convolution")][-1]
            network.add_outputs(last.input(0).get_source_output())
        if len(network.inputs) != 1:
            raise NetworkError(f"the network {name} takes {len(network.inputs)} arrays; expected one")
        model = core.compile_model(network, "CPU", options)
    except RuntimeError as error:
        raise NetworkError(f"OpenVINO cannot run the network {name}: {str(error).splitlines()[0]}") from error
    request = model.create_infer_request()
    outputs = range(len(model.outputs))

    def run_block(x: Array) -> tuple[Floats, ...]:
        # The request's own tensors are overwritten by the next call, hence the copies.
        request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)
        return tuple(request.get_output_tensor(i).data.copy() for i in outputs)

    source = model.inputs[0]
    shape = tuple(None if size.is_dynamic else size.get_length() for size in source.partial_shape)
    return _in_blocks(run_block, block), np.dtype(source.element_type.to_dtype()), shape


def _onnxruntime(name: str, data: bytes, block: int, provider: str = "CUDAExecutionProvider") -> Loaded:
    try:
        onnxruntime = import_module("onnxruntime")
    except ImportError as error:
        raise NetworkError("the device cuda needs ONNX Runtime: pip install 'classpulse[cuda]'") from error
    remedy = "pip install 'classpulse[cuda]', or use the device cpu"
    if provider not in onnxruntime.get_available_providers():
        raise NetworkError(f"this ONNX Runtime cannot use CUDA: {remedy}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # failures are raised below
    cuda = provider == "CUDAExecutionProvider"
    if cuda and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # those of CUDA that pip has installed
    # In tf32 the scores would differ in the third decimal, and the exhaustive search for the fastest convolution
    # would be made again for every size of image.
    how = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"} if cuda else {}
    try:
        session = onnxruntime.InferenceSession(data, options, providers=[(provider, how)])
    except Exception as error:  # its exceptions share no other base class
        raise NetworkError(f"ONNX Runtime cannot run the network {name}: {str(error).splitlines()[0]}") from error
    if provider not in session.get_providers():  # it falls back to the CPU, and only logs it
        raise NetworkError(f"ONNX Runtime could not start CUDA; check the driver and its version: {remedy}")
    source = session.get_inputs()[0]

    def run(x: Array) -> tuple[Floats, ...]:
        return tuple(session.run(None, {source.name: np.ascontiguousarray(x)}))

    dtype = np.dtype(np.uint8 if source.type == "tensor(uint8)" else np.float32)
    shape = tuple(size if isinstance(size, int) else None for size in source.shape)
    return _in_blocks(run, block), dtype, shape


def _in_blocks(run_block: Runner, block: int) -> Runner:
    """Runs any number of rows, `block` at a time, in few sizes of blocks: each new size costs a set-up."""
    sizes = sorted({size for k in range(9) for size in (2**k, 3 * 2**k) if size <= block} | {block})

    def run(x: Array) -> tuple[Floats, ...]:
        if len(x) == 1:
            return run_block(x)
        # The rows that fill up the last block are thrown away.
        parts = []
        for start in range(0, len(x), block):
            part = x[start : start + block]
            rows = len(part)
            size = next(size for size in sizes if size >= rows)
            filled = np.concatenate([part, np.repeat(part[:1], size - rows, axis=0)])
            parts.append([output[:rows] for output in run_block(filled)])
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    return run
