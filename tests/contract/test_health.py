"""The standard health service answers (section 9)."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_serving_is_reported(target, service):
    stub = health_pb2_grpc.HealthStub(target.channel)
    response = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_unknown_service_is_not_found(target, fails):
    stub = health_pb2_grpc.HealthStub(target.channel)
    fails(grpc.StatusCode.NOT_FOUND, lambda: stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=10))
