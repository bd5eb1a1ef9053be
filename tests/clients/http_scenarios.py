"""Triton's own Python HTTP clients against the HTTP front end; see scenarios.py for how it is run."""

import asyncio
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import ml_dtypes
import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
import tritonclient.utils.shared_memory as shm
from scenarios import VALUES, eventually, metric, raises, same, scenario, serve
from tritonclient.utils import InferenceServerException

ROGER = np.array([b"Roger Roger"], np.object_)


def connect(ports, name="http", **options):
    return triton.InferenceServerClient(f"127.0.0.1:{ports[name]}", **options)


def tensor(name, values, datatype, binary=True):
    result = triton.InferInput(name, list(values.shape), datatype)
    result.set_data_from_numpy(values, binary_data=binary)
    return result


def wanted(name, binary=True, class_count=0):
    return triton.InferRequestedOutput(name, binary_data=binary, class_count=class_count)


def post(ports, path, body, port="http"):
    """Status, content type and text of a POST without the client, which knows no generate."""
    url = f"http://127.0.0.1:{ports[port]}/v2/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.headers["content-type"], response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


@scenario
def health(ports):
    with connect(ports) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("add_sub") and client.is_model_ready("add_sub", "3")
        assert not client.is_model_ready("add_sub", "7") and not client.is_model_ready("nope")


@scenario
def bytes_identity(ports):
    with connect(ports) as client:
        for sent in (True, False):
            for received in (True, False):
                inputs = [tensor("INPUT0", ROGER, "BYTES", sent)]
                result = client.infer("identity_bytes", inputs, outputs=[wanted("OUTPUT0", received)])
                answer = result.as_numpy("OUTPUT0").astype(np.object_)
                assert [x if isinstance(x, bytes) else x.encode() for x in answer] == [b"Roger Roger"]


@scenario
def datatypes_binary(ports):
    with connect(ports) as client:
        for datatype, values in VALUES.items():
            result = client.infer("ident_any", [tensor(f"IN_{datatype}", values, datatype)], outputs=[wanted(f"OUT_{datatype}")])
            assert result.get_output(f"OUT_{datatype}")["datatype"] == datatype
            same(result.as_numpy(f"OUT_{datatype}"), values)
        inputs = [tensor(f"IN_{datatype}", values, datatype) for datatype, values in VALUES.items()]
        result = client.infer("ident_any", inputs)
        for datatype, values in VALUES.items():
            same(result.as_numpy(f"OUT_{datatype}"), values)


@scenario
def datatypes_json(ports):
    with connect(ports) as client:
        for datatype, values in VALUES.items():
            if datatype == "FP16":  # The client refuses to send it as JSON.
                continue
            outputs = [wanted(f"OUT_{datatype}", binary=False)]
            result = client.infer("ident_any", [tensor(f"IN_{datatype}", values, datatype, binary=False)], outputs=outputs)
            data = result.get_output(f"OUT_{datatype}")["data"]
            expected = [x.decode() for x in values] if datatype == "BYTES" else values.tolist()
            assert np.array_equal(np.array(data, values.dtype), np.array(expected, values.dtype)), f"{data} instead of {expected}"


@scenario
def bfloat16(ports):
    values = np.array([1.5, -2, 3.0e38], ml_dtypes.bfloat16)
    inputs = [tensor("X", values, "BF16")]
    with connect(ports) as client:
        same(client.infer("bf16_pass", inputs).as_numpy("X"), values)
        raises("400", "BF16", lambda: client.infer("bf16_pass", inputs, outputs=[wanted("X", False)]))


@scenario
def large_tensor(ports):
    values = np.random.default_rng(1).random(8 << 20, dtype=np.float32)
    with connect(ports) as client:
        result = client.infer("ident_any", [tensor("IN_FP32", values, "FP32")], outputs=[wanted("OUT_FP32")])
        same(result.as_numpy("OUT_FP32"), values)


@scenario
def chosen_outputs(ports):
    values = np.array([[1, 2, 3, 4]], np.int32)
    inputs = [tensor("INPUT0", values, "INT32"), tensor("INPUT1", values, "INT32", binary=False)]
    with connect(ports) as client:
        result = client.infer("add_sub", inputs, model_version="3", request_id="r1")
        same(result.as_numpy("OUTPUT0"), values + values)
        same(result.as_numpy("OUTPUT1"), values - values)
        response = result.get_response()
        assert (response["id"], response["model_name"], response["model_version"]) == ("r1", "add_sub", "3"), response
        result = client.infer("add_sub", inputs, outputs=[wanted("OUTPUT1")])
        assert [output["name"] for output in result.get_response()["outputs"]] == ["OUTPUT1"]


@scenario
def classification(ports):
    values = np.array([[0.1, 0.9, 0.3, 0.2]], np.float32)
    with connect(ports) as client:
        for binary in (True, False):
            outputs = [wanted("OUTPUT0", binary, class_count=2)]
            result = client.infer("classify", [tensor("INPUT0", values, "FP32")], outputs=outputs)
            classes = [x if isinstance(x, str) else x.decode() for x in result.as_numpy("OUTPUT0").flatten()]
            assert [x.split(":")[:2] for x in classes] == [["0.900000", "1"], ["0.300000", "2"]], classes


@scenario
def request_fields(ports):
    with connect(ports) as client:
        result = client.infer(
            "params",
            [tensor("INPUT0", np.zeros(1, np.float32), "FP32")],
            request_id="r2",
            sequence_id=9,
            sequence_start=True,
            timeout=5_000_000,
            parameters={"text": "t", "whole": 7, "yes": True},
        )
        seen = json.loads(result.as_numpy("PARAMS")[0])
        assert (seen["id"], seen["corr"], seen["flags"], seen["timeout"]) == ("r2", 9, 1, 5_000_000), seen
        assert {key: seen["params"][key] for key in ("text", "whole", "yes")} == {"text": "t", "whole": 7, "yes": True}


@scenario
def sequence(ports):
    with connect(ports) as client:
        for sequence_id in (77, "seventy-seven"):
            sums = []
            for step in (1, 2, 3):
                inputs = [tensor("INPUT", np.array([[step]], np.int32), "INT32")]
                flags = {"sequence_start": step == 1, "sequence_end": step == 3}
                result = client.infer("accumulate", inputs, sequence_id=sequence_id, **flags)
                sums.append(int(result.as_numpy("OUTPUT")[0][0]))
            assert sums == [1, 3, 6], sums


@scenario
def generate(ports):
    status, content_type, text = post(ports, "models/identity_bytes/generate", {"INPUT0": "testing"})
    assert (status, content_type) == (200, "application/json"), (status, content_type, text)
    assert json.loads(text)["OUTPUT0"] == "testing", text
    status, _, text = post(ports, "models/llm/versions/1/generate", {"text_input": "hi", "id": "7", "parameters": {"vec": True}})
    answer = json.loads(text)
    assert status == 200 and answer["text_output"] == "hi" and answer["vec"] == [0.0, 0.5, -1.0], text


@scenario
def generate_stream(ports):
    body = {"text_input": "hi", "parameters": {"n": 5}}
    status, content_type, text = post(ports, "models/llm_dec/generate_stream", body)
    assert status == 200 and content_type.startswith("text/event-stream"), (status, content_type)
    events = [json.loads(part.removeprefix("data: ")) for part in text.split("\n\n") if part]
    assert [event["index"] for event in events] == [0, 1, 2, 3, 4], text
    status, _, text = post(ports, "models/llm_dec/generate", body)
    assert status == 500 and "generate expects model to produce exactly 1 response" in text, (status, text)


@scenario
def curl(ports):
    """The two commands of the documentation; -N shows what comes as it comes."""
    def run(path, body):
        url = f"http://127.0.0.1:{ports['http']}/v2/models/{path}"
        command = ["curl", "-sS", "-N", "-w", "%{http_code}", "-d", json.dumps(body), url]
        text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        return text[-3:], text[:-3]

    status, text = run("identity_bytes/generate", {"INPUT0": "testing"})
    assert (status, json.loads(text)["OUTPUT0"]) == ("200", "testing"), (status, text)
    status, text = run("llm_dec/generate_stream", {"text_input": "hi", "n": 3})
    events = text.split("\n\n")
    assert status == "200" and len(events) == 4 and events[3] == "", (status, text)
    for index, event in enumerate(events[:3]):
        assert json.loads(event.removeprefix("data: "))["index"] == index, text
    status, text = run("nope/generate", {"INPUT0": "x"})
    assert (status, json.loads(text)["error"]) == ("404", "Request for unknown model: 'nope' is not found"), text


@scenario
def metadata(ports):
    with connect(ports) as client:
        server = client.get_server_metadata()
        assert server["name"] == "clients" and {"statistics", "binary_tensor_data"} <= set(server["extensions"]), server
        model = client.get_model_metadata("add_sub")
        assert model["versions"] == ["1", "3"] and model["inputs"][0] == {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 4]}
        config = client.get_model_config("llm_dec")
        assert config["model_transaction_policy"]["decoupled"] is True and config["backend"] == "python"
        raises("404", "Request for unknown model: 'nope' is not found", lambda: client.get_model_config("nope"))


@scenario
def statistics(ports):
    def count(client):
        return client.get_inference_statistics("add_sub", "1")["model_stats"][0]["inference_count"]

    values = np.zeros((2, 4), np.int32)
    with connect(ports) as client:
        before = count(client)
        client.infer("add_sub", [tensor("INPUT0", values, "INT32"), tensor("INPUT1", values, "INT32")], model_version="1")
        eventually(lambda: count(client) == before + 2)
        names = {model["name"] for model in client.get_inference_statistics()["model_stats"]}
        assert {"add_sub", "repeat", "ident_any"} <= names, names


@scenario
def repository(ports):
    values = np.array([2**62], np.int64)
    with connect(ports) as client:
        index = {model["name"]: model.get("state") for model in client.get_model_repository_index()}
        assert index["add_sub"] == "READY" and "identity_int64" in index, index
        client.load_model("identity_int64")
        assert client.is_model_ready("identity_int64")
        same(client.infer("identity_int64", [tensor("INPUT0", values, "INT64")]).as_numpy("OUTPUT0"), values)
        config = client.get_model_config("identity_int64")
        client.load_model("identity_int64", config=json.dumps({**config, "max_batch_size": 4}))
        assert client.get_model_config("identity_int64")["max_batch_size"] == 4
        client.unload_model("identity_int64")
        eventually(lambda: not client.is_model_ready("identity_int64"))
        # A server is not ready while one of its models is on the way.
        eventually(client.is_server_ready)
        raises("500", "failed to load 'nope', failed to poll from model repository", lambda: client.load_model("nope"))


@scenario
def file_override(ports):
    code = b"""
import triton_python_backend_utils as pb_utils
class TritonPythonModel:
    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(r, "X").as_numpy() for r in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("Y", x * 3)]) for x in inputs]
"""
    config = {
        **{"name": "triple", "backend": "python", "instance_group": [{"kind": "KIND_CPU"}]},
        "input": [{"name": "X", "data_type": "TYPE_INT64", "dims": [-1]}],
        "output": [{"name": "Y", "data_type": "TYPE_INT64", "dims": [-1]}],
    }
    with connect(ports) as client:
        refused = lambda: client.load_model("triple", files={"file:5/model.py": code})
        raises("500", "failed to load 'triple', failed to poll from model repository", refused)
        client.load_model("triple", config=json.dumps(config), files={"file:5/model.py": code})
        assert client.get_model_metadata("triple")["versions"] == ["5"]
        values = np.array([1, 2**40], np.int64)
        same(client.infer("triple", [tensor("X", values, "INT64")]).as_numpy("Y"), values * 3)
        client.unload_model("triple")
        eventually(lambda: not client.is_model_ready("triple"))
        eventually(client.is_server_ready)


@scenario
def priority(ports):
    """Priorities reach the queue, which refuses what it has no room for."""
    def seconds(value):
        return [tensor("SECONDS", np.array([[value]], np.float32), "FP32")]

    with connect(ports, concurrency=3) as client:
        for level in (1, 2):
            same(client.infer("slow", seconds(0), priority=level).as_numpy("OUT"), np.zeros((1, 1), np.float32))
        running = client.async_infer("slow", seconds(2))
        time.sleep(0.5)
        waiting = client.async_infer("slow", seconds(0), priority=1)
        time.sleep(0.3)
        raises("503", "maximum queue size", lambda: client.infer("slow", seconds(0), priority=1))
        running.get_result()
        waiting.get_result()


@scenario
def settings(ports):
    with connect(ports) as client:
        log = client.update_log_settings({"log_verbose_level": 1})
        assert log["log_verbose_level"] == 1, log
        assert client.update_log_settings({"log_verbose_level": 0}) == client.get_log_settings()
        trace = client.update_trace_settings(settings={"trace_rate": "250"})
        assert trace["trace_rate"] == "250", trace
        assert client.get_trace_settings()["trace_rate"] == "250"
        client.update_trace_settings(settings={"trace_rate": None})
        assert client.get_system_shared_memory_status() == []


@scenario
def shared_memory(ports):
    key = f"/triton_ts_clients_http_{os.getpid()}"
    values = np.random.default_rng(1).random(2 << 20, dtype=np.float32)
    size = values.nbytes
    memory = shm.create_shared_memory_region("tensors", key, 2 * size)
    try:
        shm.set_shared_memory_region(memory, [values])
        with connect(ports) as client:
            client.register_system_shared_memory("tensors", key, 2 * size)
            region = {"name": "tensors", "key": key, "offset": 0, "byte_size": 2 * size}
            assert client.get_system_shared_memory_status() == [region]
            assert client.get_cuda_shared_memory_status() == []
            source = triton.InferInput("IN_FP32", list(values.shape), "FP32")
            source.set_shared_memory("tensors", size)
            same(client.infer("ident_any", [source], outputs=[wanted("OUT_FP32")]).as_numpy("OUT_FP32"), values)
            target = wanted("OUT_FP32")
            target.set_shared_memory("tensors", size, offset=size)
            result = client.infer("ident_any", [source], outputs=[target])
            assert result.get_output("OUT_FP32")["shape"] == [len(values)]
            same(shm.get_contents_as_numpy(memory, np.float32, list(values.shape), offset=size), values)
            target.set_shared_memory("tensors", size - 4, offset=size)
            small = f"shared memory size specified with the request for output 'OUT_FP32' ({size - 4} bytes)"
            raises("500", small, lambda: client.infer("ident_any", [source], outputs=[target]))
            again = lambda: client.register_system_shared_memory("tensors", key, size)
            raises("400", "shared memory region 'tensors' already in manager", again)
            client.unregister_system_shared_memory("tensors")
            gone = "Unable to find shared memory region: 'tensors'"
            raises("404", gone, lambda: client.infer("ident_any", [source]))
        with connect(ports, "restricted_http") as client:
            off = "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable."
            raises("501", off, lambda: client.register_system_shared_memory("tensors", key, size))
    finally:
        shm.destroy_shared_memory_region(memory)


@scenario
def async_infer(ports):
    with connect(ports, concurrency=8) as client:
        requests = [
            client.async_infer("ident_any", [tensor("IN_INT32", np.array([i], np.int32), "INT32")], outputs=[wanted("OUT_INT32")])
            for i in range(100)
        ]
        assert [int(request.get_result().as_numpy("OUT_INT32")[0]) for request in requests] == list(range(100))
        failing = client.async_infer("nope", [tensor("X", np.zeros(1, np.float32), "FP32")])
        raises("404", "Request for unknown model: 'nope' is not found", failing.get_result)


@scenario
def asyncio_client(ports):
    async def infer(client, i):
        data = triton_aio.InferInput("IN_INT32", [1], "INT32")
        data.set_data_from_numpy(np.array([i], np.int32))
        result = await client.infer("ident_any", [data], outputs=[triton_aio.InferRequestedOutput("OUT_INT32")])
        return int(result.as_numpy("OUT_INT32")[0])

    async def run():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{ports['http']}") as client:
            assert await client.is_server_ready()
            assert await asyncio.gather(*(infer(client, i) for i in range(50))) == list(range(50))

    asyncio.run(run())


@scenario
def compression(ports):
    values = np.arange(100_000, dtype=np.float32)
    with connect(ports) as client:
        for sent in (None, "gzip", "deflate"):
            for received in (None, "gzip", "deflate"):
                for binary in (True, False):
                    result = client.infer(
                        "ident_any",
                        [tensor("IN_FP32", values, "FP32", binary)],
                        outputs=[wanted("OUT_FP32", binary)],
                        request_compression_algorithm=sent,
                        response_compression_algorithm=received,
                    )
                    same(result.as_numpy("OUT_FP32"), values)


@scenario
def errors(ports):
    values = np.zeros((1, 4), np.int32)
    both = [tensor("INPUT0", values, "INT32"), tensor("INPUT1", values, "INT32")]
    wrong = tensor("INPUT1", np.zeros((1, 5), np.int32), "INT32")
    with connect(ports) as client:
        raises("404", "Request for unknown model: 'nope' is not found", lambda: client.infer("nope", both))
        cases = [
            ([both[0], wrong], "unexpected shape for input 'INPUT1' for model 'add_sub'. Expected [-1,4], got [1,5]"),
            (both[:1], "expected 2 inputs but got 1 inputs for model 'add_sub'"),
            ([both[0], tensor("X", values, "INT32")], "unexpected inference input 'X' for model 'add_sub'"),
            ([both[0], tensor("INPUT1", values.astype(np.float32), "FP32")], "but model 'add_sub' expects 'INT32'"),
        ]
        for inputs, text in cases:
            raises("400", text, lambda: client.infer("add_sub", inputs))
        raises("400", "unexpected inference output 'Y'", lambda: client.infer("add_sub", both, outputs=[wanted("Y")]))
        for code, status in {"INTERNAL": "500", "NOT_FOUND": "404", "INVALID_ARG": "400", "UNAVAILABLE": "503", "UNSUPPORTED": "501"}.items():
            failing = [tensor("CODE", np.array([code.encode()], np.object_), "BYTES")]
            raises(status, f"model says {code}", lambda: client.infer("fail", failing))
        raises("501", "doesn't support models with decoupled", lambda: client.infer("repeat", [tensor("IN", np.array([1], np.int32), "INT32")]))
        # The connection that had so many errors still serves.
        client.infer("add_sub", both)


@scenario
def restricted(ports):
    roger = [tensor("INPUT0", ROGER, "BYTES")]
    with connect(ports, "restricted_http") as client:
        refusal = "This API is restricted, expecting header 'infer-key'"
        raises("403", refusal, lambda: client.infer("identity_bytes", roger))
        raises("403", refusal, lambda: client.infer("identity_bytes", roger, headers={"infer-key": "wrong"}))
        client.infer("identity_bytes", roger, headers={"infer-key": "infer-value"})
        assert post(ports, "models/identity_bytes/generate", {"INPUT0": "x"}, "restricted_http")[0] == 403
        admin = "This API is restricted, expecting header 'admin-key'"
        raises("403", admin, lambda: client.load_model("identity_bytes"))
        raises("403", admin, client.get_model_repository_index)
        assert client.get_model_repository_index(headers={"admin-key": "admin-value"})
        assert client.is_server_ready() and client.get_server_metadata()["name"] == "clients"


@scenario
def client_timeout(ports):
    """The model is told when its client gives up: it ends, and is free for the next request, long before its time."""
    ended = lambda: metric(ports, "nv_inference_count", "slow")
    before = ended()
    with connect(ports, network_timeout=1.5) as client:
        try:
            client.infer("slow", [tensor("SECONDS", np.array([[100]], np.float32), "FP32")])
        except (OSError, InferenceServerException) as error:
            assert "time" in str(error).lower(), error
        else:
            raise AssertionError("the client did not give up")
    eventually(lambda: ended() == before + 1)
    with connect(ports) as client:
        client.infer("slow", [tensor("SECONDS", np.array([[0]], np.float32), "FP32")])


@scenario
def inference_metric(ports):
    count = lambda: metric(ports, "nv_inference_count", "identity_fp32")
    with connect(ports) as client:
        client.load_model("identity_fp32")
        assert count() == 0
        client.infer("identity_fp32", [tensor("INPUT0", np.zeros(1, np.float32), "FP32")])
        eventually(lambda: count() == 1)
        assert metric(ports, "nv_inference_request_success", "identity_fp32") == 1


serve()
