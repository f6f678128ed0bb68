"""Streams an answer from a running daemon.

    pip install grpcio grpcio-tools
    python src/docs/examples/generate.py 127.0.0.1:50051 '111+222='
"""

import glob
import sys
import tempfile

import grpc
from grpc_tools import protoc

stubs = tempfile.mkdtemp()
include = protoc.__file__.rsplit("/", 1)[0] + "/_proto"
if protoc.main(["protoc", "-Iproto", "-I" + include, "--python_out=" + stubs, "--grpc_python_out=" + stubs, *glob.glob("proto/skald/v1/*.proto")]):
    sys.exit("the protos are in proto/: run this from the top of the repository")
sys.path.insert(0, stubs)
from skald.v1 import inference_pb2, inference_pb2_grpc  # noqa: E402

endpoint, prompt = sys.argv[1:]
with grpc.insecure_channel(endpoint) as channel:
    request = inference_pb2.GenerateStreamRequest(text=prompt)
    for event in inference_pb2_grpc.InferenceStub(channel).GenerateStream(request, timeout=30):
        if event.HasField("delta"):
            print(event.delta.text, end="", flush=True)
        if event.HasField("completed"):
            print(f"\n[{event.completed.usage.completion_tokens} tokens]")
