#!/bin/sh
# Regenerate services/familiar/src/familiar/wire/serving_pb2.{py,pyi} with $PYTHON, which must have grpcio-tools 1.71.2.
set -eu
cd "$(dirname "$0")"
wire=../services/familiar/src/familiar/wire
generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT

"${PYTHON:-python3}" -m grpc_tools.protoc -I . --python_out="$generated" --pyi_out="$generated" \
    familiar/serving/v1/serving.proto

{ echo '# ruff: noqa'; cat "$generated/familiar/serving/v1/serving_pb2.py"; } > "$wire/serving_pb2.py"
{ echo '# ruff: noqa'; echo '# mypy: disable-error-code="type-arg"'; cat "$generated/familiar/serving/v1/serving_pb2.pyi"; } \
    > "$wire/serving_pb2.pyi"
