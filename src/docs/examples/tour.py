"""What a caller meets, without generated code: services by reflection, health, a chat, scores, an error with its details.

    pip install grpcio grpcio-reflection grpcio-health-checking grpcio-status
    python src/docs/examples/tour.py 127.0.0.1:50051
"""

import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

channel = grpc.insecure_channel(sys.argv[1])
database = ProtoReflectionDescriptorDatabase(channel)
pool = DescriptorPool(database)
inference = pool.FindServiceByName("skald.v1.Inference")


def call(method, request, timeout=30):
    """A unary call of the Inference service; `request` is a dict."""
    descriptor = inference.FindMethodByName(method)
    ask, answer = GetMessageClass(descriptor.input_type), GetMessageClass(descriptor.output_type)
    return channel.unary_unary(f"/skald.v1.Inference/{method}", ask.SerializeToString, answer.FromString)(ask(**request), timeout=timeout)


print("services:", ", ".join(name for name in sorted(database.get_services()) if name.startswith("skald")))

health = health_pb2_grpc.HealthStub(channel)
for service in ("", "skald.live"):
    status = health.Check(health_pb2.HealthCheckRequest(service=service)).status
    print(f"health of {service!r}:", health_pb2.HealthCheckResponse.ServingStatus.Name(status))

chat = call("Chat", {"messages": [{"role": "user", "content": [{"text": "法国的首都是哪里?"}]}], "sampling": {"temperature": 0}})
print("chat:", chat.choices[0].message.content[0].text, f"({chat.usage.prompt_tokens} + {chat.usage.completion_tokens} tokens)")

scores = call("ScoreContinuations", {"text": "1+1=", "continuations": [{"text": "2"}, {"text": "3"}]})
print("probabilities of 2 and 3:", ", ".join(f"{score.probability:.3f}" for score in scores.scores))

try:
    call("Generate", {"text": "x", "sampling": {"top_p": 2.0}})
except grpc.RpcError as error:
    print("refused:", error.code().name, "-", error.details())
    for detail in rpc_status.from_call(error).details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest):
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                print("  reason:" if kind is error_details_pb2.ErrorInfo else "  field:", getattr(message, "reason", "") or message.field_violations[0].field)

try:
    call("Generate", {"text": "the", "stopping": {"ignore_eos": True}}, timeout=0.05)
except grpc.RpcError as error:
    print("too late:", error.code().name)
