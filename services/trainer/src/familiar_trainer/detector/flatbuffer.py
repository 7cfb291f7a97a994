"""The file of a network in LiteRT's format, a FlatBuffer, written without TensorFlow.

Source: ``schema.fbs`` of https://github.com/google-ai-edge/LiteRT; ``ai_edge_litert`` brings the Python made from it.
"""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from familiar_trainer.detector.layers import Add, Convolution, Depthwise, Double, Halve, Layer, Network, Picture

_Operator = schema.BuiltinOperator
_Options = schema.BuiltinOptions
_Shape = list[int]

_FORMAT_VERSION = 3
_IDENTIFIER = b"TFL3"
_DESCRIPTION = b"YuNet (libfacedetection), Copyright (c) Shiqi Yu, 3-clause BSD License"
# The smallest picture; a file names a size, and whoever runs it asks for another one.
_EXAMPLE_PX = 32
_ALIGNMENT_BYTES = 16
_FIRST_SIZE_BYTES = 1 << 20


def write(network: Network) -> bytes:
    """Return the file of ``network``; the same network gives the same bytes.

    Its input ``bgr`` and its outputs are as ``familiar_trainer.detector.layers`` describes them; height and width are
    left open. Every operator is one that LiteRT's fast kernels (XNNPACK) take at any size.
    """
    graph = _Graph()
    places: list[int] = []
    for layer in network.layers:
        places.append(graph.add(layer, [places[each] for each in layer.inputs]))
    outputs = {name: places[layer] for name, layer in network.outputs.items()}
    for name, tensor in outputs.items():
        graph.tensors[tensor].name = name.encode()
    return graph.pack([places[0]], list(outputs.values()))


class _Aligned(schema.BufferT):  # type: ignore[misc]
    """A buffer that begins at a multiple of 16 bytes, as the schema demands and its generated code does not see to."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name is the generated code's
        content = self.data.tobytes()
        builder.Prep(_ALIGNMENT_BYTES, len(content))
        vector = builder.CreateByteVector(content)
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class _Graph:
    """Tensors and operators of the only graph of a file; a tensor is known by its place."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # the first one is empty by convention
        self._operators: list[Any] = []
        self._codes: list[int] = []

    def add(self, layer: Layer, inputs: list[int]) -> int:
        """Add the operators of a layer on these tensors and return its output's place."""
        match layer.operation:
            case Picture():
                return self._tensor("bgr", [1, _EXAMPLE_PX + 1, _EXAMPLE_PX + 1, layer.channels], is_open=True)
            case Convolution() as convolution:
                return self._convolution(inputs[0], convolution)
            case Depthwise() as depthwise:
                return self._depthwise(inputs[0], depthwise)
            case Halve():
                return self._halve(inputs[0])
            case Double():
                return self._double(inputs[0])
            case Add():
                options = schema.AddOptionsT()
                return self._operator(_Operator.ADD, _Options.AddOptions, options, inputs, self._shape(inputs[0]))

    def pack(self, inputs: list[int], outputs: list[int]) -> bytes:
        """Return the finished file."""
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.name, graph.tensors, graph.operators = b"yunet", self.tensors, self._operators
        graph.inputs, graph.outputs = inputs, outputs
        model.version, model.description = _FORMAT_VERSION, _DESCRIPTION
        model.subgraphs, model.buffers, model.operatorCodes = [graph], self._buffers, []
        for code in self._codes:
            named = schema.OperatorCodeT()
            named.builtinCode = named.deprecatedBuiltinCode = code
            named.version = 1
            model.operatorCodes.append(named)
        builder = flatbuffers.Builder(_FIRST_SIZE_BYTES)
        builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
        return bytes(builder.Output())

    def _convolution(self, grid: int, convolution: Convolution) -> int:
        outputs, rows, columns, _ = convolution.kernel.shape
        options, stride = schema.Conv2DOptionsT(), convolution.stride
        # Nothing to add at the edges is VALID; of a kernel of one cell that is no different from SAME.
        options.padding = schema.Padding.SAME if rows == columns == 1 else schema.Padding.VALID
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = _activation(convolution.relu)
        batch, height, width, _ = self._shape(grid)
        shape = [batch, (height - rows) // stride + 1, (width - columns) // stride + 1, outputs]
        weights = self._weights(convolution.kernel, convolution.bias)
        return self._operator(_Operator.CONV_2D, _Options.Conv2DOptions, options, [grid, *weights], shape)

    def _depthwise(self, grid: int, depthwise: Depthwise) -> int:
        options = schema.DepthwiseConv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = options.depthMultiplier = 1
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = _activation(depthwise.relu)
        inputs = [grid, *self._weights(depthwise.kernel, depthwise.bias)]
        kind = _Options.DepthwiseConv2DOptions
        return self._operator(_Operator.DEPTHWISE_CONV_2D, kind, options, inputs, self._shape(grid))

    def _halve(self, grid: int) -> int:
        batch, height, width, channels = self._shape(grid)
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH = options.strideW = options.filterHeight = options.filterWidth = 2
        shape = [batch, height // 2, width // 2, channels]
        return self._operator(_Operator.MAX_POOL_2D, _Options.Pool2DOptions, options, [grid], shape)

    def _double(self, grid: int) -> int:
        # The operator for this, RESIZE_NEAREST_NEIGHBOR, wants a size: a fixed one would serve one size of picture, and
        # a computed one falls back to slow kernels. Four copies along the channels, spread over 2x2 cells, are as good.
        batch, height, width, channels = self._shape(grid)
        joined, spread = schema.ConcatenationOptionsT(), schema.DepthToSpaceOptionsT()
        joined.axis, spread.blockSize = 3, 2
        shape = [batch, height, width, 4 * channels]
        copies = self._operator(_Operator.CONCATENATION, _Options.ConcatenationOptions, joined, [grid] * 4, shape)
        shape = [batch, 2 * height, 2 * width, channels]
        return self._operator(_Operator.DEPTH_TO_SPACE, _Options.DepthToSpaceOptions, spread, [copies], shape)

    def _weights(self, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> tuple[int, int]:
        number = len(self._operators)
        return self._constant(f"w{number}", kernel), self._constant(f"b{number}", bias)

    def _constant(self, name: str, values: NDArray[np.float32]) -> int:
        buffer = _Aligned()
        buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
        self._buffers.append(buffer)
        place = self._tensor(name, list(values.shape))
        self.tensors[place].buffer = len(self._buffers) - 1
        return place

    def _operator(self, code: int, kind: int, options: Any, inputs: list[int], shape: _Shape) -> int:
        """Add an operator and return its output, a tensor of this ``shape`` for the smallest picture."""
        if code not in self._codes:
            self._codes.append(code)
        output = self._tensor(f"t{len(self.tensors)}", shape, is_open=True)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.index(code)
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self._operators.append(operator)
        return output

    def _tensor(self, name: str, shape: _Shape, *, is_open: bool = False) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name.encode(), shape, schema.TensorType.FLOAT32, 0
        if is_open:
            tensor.shapeSignature = [shape[0], -1, -1, shape[3]]
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _shape(self, tensor: int) -> _Shape:
        return list(self.tensors[tensor].shape)


def _activation(relu: bool) -> int:
    kinds = schema.ActivationFunctionType
    return int(kinds.RELU if relu else kinds.NONE)
