"""Triton's own Python gRPC clients against the gRPC front end; see scenarios.py for how it is run."""

import asyncio
import json
import os
import queue
import time

import ml_dtypes
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
import tritonclient.utils.shared_memory as shm
from scenarios import VALUES, eventually, metric, raises, same, scenario, serve

ROGER = np.array([b"Roger Roger"], np.object_)


def connect(ports, name="grpc", module=triton, **options):
    return module.InferenceServerClient(f"127.0.0.1:{ports[name]}", **options)


def tensor(name, values, datatype):
    result = triton.InferInput(name, list(values.shape), datatype)
    result.set_data_from_numpy(values)
    return result


def numbers(name, *values):
    return tensor(name, np.array(values, np.int32), "INT32")


def seconds(value):
    return [tensor("SECONDS", np.array([[value]], np.float32), "FP32")]


def text(value):
    return tensor("text_input", np.array([value.encode()], np.object_), "BYTES")


def wanted(name):
    return triton.InferRequestedOutput(name)


def open_stream(client, **options):
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)), **options)
    return answers


def answer(answers):
    result, error = answers.get(timeout=60)
    assert error is None, error
    return result


def cancels(ports, give_up):
    """Fails unless the model, asked for 100 seconds, ends soon after `give_up` did."""
    ended = lambda: metric(ports, "nv_inference_count", "slow")
    before = ended()
    with connect(ports) as client:
        give_up(client)
        eventually(lambda: ended() == before + 1)
        client.infer("slow", seconds(0))


@scenario
def health(ports):
    with connect(ports) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("add_sub") and client.is_model_ready("add_sub", "3")
        unknown = "Request for unknown model: 'nope' is not found"
        raises("StatusCode.NOT_FOUND", unknown, lambda: client.is_model_ready("nope"))
        unknown = "Request for unknown model: 'add_sub' version 7 is not found"
        raises("StatusCode.NOT_FOUND", unknown, lambda: client.is_model_ready("add_sub", "7"))


@scenario
def bytes_identity(ports):
    with connect(ports) as client:
        result = client.infer("identity_bytes", [tensor("INPUT0", ROGER, "BYTES")])
        same(result.as_numpy("OUTPUT0"), ROGER)


@scenario
def datatypes(ports):
    with connect(ports) as client:
        for datatype, values in VALUES.items():
            result = client.infer("ident_any", [tensor(f"IN_{datatype}", values, datatype)], outputs=[wanted(f"OUT_{datatype}")])
            assert result.get_output(f"OUT_{datatype}").datatype == datatype
            same(result.as_numpy(f"OUT_{datatype}"), values)
        result = client.infer("ident_any", [tensor(f"IN_{datatype}", values, datatype) for datatype, values in VALUES.items()])
        for datatype, values in VALUES.items():
            same(result.as_numpy(f"OUT_{datatype}"), values)


@scenario
def bfloat16(ports):
    values = np.array([1.5, -2, 3.0e38], ml_dtypes.bfloat16)
    with connect(ports) as client:
        same(client.infer("bf16_pass", [tensor("X", values, "BF16")]).as_numpy("X"), values)


@scenario
def large_tensor(ports):
    values = np.random.default_rng(1).random(8 << 20, dtype=np.float32)
    with connect(ports) as client:
        same(client.infer("ident_any", [tensor("IN_FP32", values, "FP32")]).as_numpy("OUT_FP32"), values)


@scenario
def chosen_outputs(ports):
    values = np.array([[1, 2, 3, 4]], np.int32)
    inputs = [tensor("INPUT0", values, "INT32"), tensor("INPUT1", values, "INT32")]
    with connect(ports) as client:
        result = client.infer("add_sub", inputs, model_version="3", request_id="r1")
        same(result.as_numpy("OUTPUT0"), values + values)
        same(result.as_numpy("OUTPUT1"), values - values)
        response = result.get_response()
        assert (response.id, response.model_name, response.model_version) == ("r1", "add_sub", "3"), response
        result = client.infer("add_sub", inputs, outputs=[wanted("OUTPUT1")])
        assert [output.name for output in result.get_response().outputs] == ["OUTPUT1"]


@scenario
def classification(ports):
    values = np.array([[0.1, 0.9, 0.3, 0.2]], np.float32)
    with connect(ports) as client:
        outputs = [triton.InferRequestedOutput("OUTPUT0", class_count=2)]
        result = client.infer("classify", [tensor("INPUT0", values, "FP32")], outputs=outputs)
        classes = [x.decode().split(":")[:2] for x in result.as_numpy("OUTPUT0").flatten()]
        assert classes == [["0.900000", "1"], ["0.300000", "2"]], classes


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
    def steps(send):
        for step in (1, 2, 3):
            inputs = [tensor("INPUT", np.array([[step]], np.int32), "INT32")]
            send(inputs, {"sequence_start": step == 1, "sequence_end": step == 3})

    with connect(ports) as client:
        for sequence_id in (78, "seventy-eight"):
            sums = []
            infer = lambda inputs, flags: sums.append(client.infer("accumulate", inputs, sequence_id=sequence_id, **flags))
            steps(infer)
            assert [int(result.as_numpy("OUTPUT")[0][0]) for result in sums] == [1, 3, 6]
        answers = open_stream(client)
        steps(lambda inputs, flags: client.async_stream_infer("accumulate", inputs, sequence_id=79, **flags))
        assert [int(answer(answers).as_numpy("OUTPUT")[0][0]) for _ in range(3)] == [1, 3, 6]
        client.stop_stream()


@scenario
def stream_order(ports):
    with connect(ports) as client:
        answers = open_stream(client)
        for i in range(100):
            inputs = [tensor("INPUT0", np.array([f"request {i}".encode()], np.object_), "BYTES")]
            client.async_stream_infer("identity_bytes", inputs, request_id=str(i))
        for i in range(100):
            result = answer(answers)
            assert result.get_response().id == str(i), result.get_response()
            assert result.as_numpy("OUTPUT0")[0] == f"request {i}".encode()
        client.stop_stream()
        assert answers.empty()


@scenario
def decoupled_stream(ports):
    with connect(ports) as client:
        answers = open_stream(client)
        client.async_stream_infer("repeat", [numbers("IN", 3, 1, 2)], request_id="a", enable_empty_final_response=True)
        seen = []
        while True:
            result = answer(answers)
            response = result.get_response()
            assert response.id == "a"
            if response.parameters["triton_final_response"].bool_param:
                break
            seen.append(int(result.as_numpy("OUT")[0]))
        assert seen == [3, 1, 2], seen
        client.async_stream_infer("llm_dec", [text("hi"), numbers("n", 5)])
        results = [answer(answers) for _ in range(5)]
        assert [int(result.as_numpy("index")[0]) for result in results] == [0, 1, 2, 3, 4]
        assert all(result.as_numpy("text_output")[0] == b"hi" for result in results)
        # Without a response of its own the end goes unsaid: the next answer is to the next request.
        client.async_stream_infer("repeat", [numbers("IN")], request_id="none")
        client.async_stream_infer("repeat", [numbers("IN", 7)], request_id="next")
        assert answer(answers).get_response().id == "next"
        client.stop_stream()
        assert answers.empty()


@scenario
def stream_errors(ports):
    with connect(ports) as client:
        answers = open_stream(client)
        client.async_stream_infer("llm_dec", [text("hi"), numbers("n", 2), tensor("fail_last", np.array([True]), "BOOL")])
        assert [int(answer(answers).as_numpy("index")[0]) for _ in range(2)] == [0, 1]
        assert "last one failed" in str(answers.get(timeout=60)[1])
        client.async_stream_infer("nope", [numbers("X", 1)])
        assert "Request for unknown model: 'nope' is not found" in str(answers.get(timeout=60)[1])
        client.async_stream_infer("repeat", [numbers("IN", 1)])
        assert int(answer(answers).as_numpy("OUT")[0]) == 1
        client.stop_stream()


@scenario
def metadata(ports):
    with connect(ports) as client:
        server = client.get_server_metadata()
        assert server.name == "clients" and {"statistics", "binary_tensor_data"} <= set(server.extensions), server
        model = client.get_model_metadata("add_sub")
        first = model.inputs[0]
        assert list(model.versions) == ["1", "3"] and (first.name, first.datatype, list(first.shape)) == ("INPUT0", "INT32", [-1, 4])
        config = client.get_model_config("llm_dec").config
        assert config.model_transaction_policy.decoupled and config.backend == "python"
        unknown = "Request for unknown model: 'nope' is not found"
        raises("StatusCode.NOT_FOUND", unknown, lambda: client.get_model_config("nope"))


@scenario
def statistics(ports):
    count = lambda client: client.get_inference_statistics("add_sub", "1").model_stats[0].inference_count
    values = np.zeros((2, 4), np.int32)
    with connect(ports) as client:
        before = count(client)
        client.infer("add_sub", [tensor("INPUT0", values, "INT32"), tensor("INPUT1", values, "INT32")], model_version="1")
        eventually(lambda: count(client) == before + 2)
        names = {model.name for model in client.get_inference_statistics().model_stats}
        assert {"add_sub", "repeat", "ident_any"} <= names, names


@scenario
def repository(ports):
    values = np.array([2**62], np.int64)
    with connect(ports) as client:
        index = {model.name: model.state for model in client.get_model_repository_index().models}
        assert index["add_sub"] == "READY" and "identity_int64" in index, index
        client.load_model("identity_int64")
        assert client.is_model_ready("identity_int64")
        same(client.infer("identity_int64", [tensor("INPUT0", values, "INT64")]).as_numpy("OUTPUT0"), values)
        config = client.get_model_config("identity_int64", as_json=True)["config"]
        client.load_model("identity_int64", config=json.dumps({**config, "max_batch_size": 4}))
        assert client.get_model_config("identity_int64").config.max_batch_size == 4
        client.unload_model("identity_int64")
        gone = "Request for unknown model: 'identity_int64' has no available versions"
        raises("StatusCode.NOT_FOUND", gone, lambda: client.is_model_ready("identity_int64"))
        # A server is not ready while one of its models is on the way.
        eventually(client.is_server_ready)
        missing = "failed to load 'nope', failed to poll from model repository"
        raises("StatusCode.INTERNAL", missing, lambda: client.load_model("nope"))


@scenario
def settings(ports):
    with connect(ports) as client:
        log = client.update_log_settings({"log_verbose_level": 1})
        assert log.settings["log_verbose_level"].uint32_param == 1, log
        assert client.update_log_settings({"log_verbose_level": 0}) == client.get_log_settings()
        trace = client.update_trace_settings(settings={"trace_rate": "250"})
        assert list(trace.settings["trace_rate"].value) == ["250"], trace
        assert list(client.get_trace_settings().settings["trace_rate"].value) == ["250"]
        client.update_trace_settings(settings={"trace_rate": None})
        assert client.get_system_shared_memory_status(as_json=True) == {}


@scenario
def shared_memory(ports):
    key = f"/triton_ts_clients_grpc_{os.getpid()}"
    values = np.random.default_rng(1).random(2 << 20, dtype=np.float32)
    size = values.nbytes
    memory = shm.create_shared_memory_region("tensors", key, 2 * size)
    try:
        shm.set_shared_memory_region(memory, [values])
        with connect(ports) as client:
            client.register_system_shared_memory("tensors", key, 2 * size)
            region = client.get_system_shared_memory_status().regions["tensors"]
            assert (region.key, region.offset, region.byte_size) == (key, 0, 2 * size), region
            assert client.get_cuda_shared_memory_status(as_json=True) == {}
            source = triton.InferInput("IN_FP32", list(values.shape), "FP32")
            source.set_shared_memory("tensors", size)
            same(client.infer("ident_any", [source], outputs=[wanted("OUT_FP32")]).as_numpy("OUT_FP32"), values)
            target = wanted("OUT_FP32")
            target.set_shared_memory("tensors", size, offset=size)
            result = client.infer("ident_any", [source], outputs=[target])
            assert list(result.get_output("OUT_FP32").shape) == [len(values)]
            same(shm.get_contents_as_numpy(memory, np.float32, list(values.shape), offset=size), values)
            target.set_shared_memory("tensors", size - 4, offset=size)
            small = f"shared memory size specified with the request for output 'OUT_FP32' ({size - 4} bytes)"
            raises("StatusCode.INTERNAL", small, lambda: client.infer("ident_any", [source], outputs=[target]))
            again = lambda: client.register_system_shared_memory("tensors", key, size)
            raises("StatusCode.ALREADY_EXISTS", "shared memory region 'tensors' already in manager", again)
            client.unregister_system_shared_memory("tensors")
            # It goes with the end of its last use, which may come a moment after the response.
            eventually(lambda: not client.get_system_shared_memory_status().regions)
            gone = "Unable to find shared memory region: 'tensors'"
            raises("StatusCode.NOT_FOUND", gone, lambda: client.infer("ident_any", [source]))
        with connect(ports, "restricted_grpc") as client:
            off = "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable."
            raises("StatusCode.UNIMPLEMENTED", off, lambda: client.register_system_shared_memory("tensors", key, size))
    finally:
        shm.destroy_shared_memory_region(memory)


@scenario
def async_infer(ports):
    with connect(ports) as client:
        answers = queue.Queue()
        for i in range(100):
            callback = lambda result, error, i=i: answers.put(((i, result), error))
            client.async_infer("ident_any", [numbers("IN_INT32", i)], callback, outputs=[wanted("OUT_INT32")])
        results = dict(answer(answers) for _ in range(100))
        assert all(int(results[i].as_numpy("OUT_INT32")[0]) == i for i in range(100))
        client.async_infer("nope", [numbers("X", 1)], lambda result, error: answers.put((result, error)))
        result, error = answers.get(timeout=60)
        assert result is None and error.status() == "StatusCode.NOT_FOUND", error


@scenario
def asyncio_client(ports):
    async def run():
        async with connect(ports, module=triton_aio) as client:
            assert await client.is_server_ready()
            calls = (client.infer("ident_any", [numbers("IN_INT32", i)], outputs=[wanted("OUT_INT32")]) for i in range(50))
            results = await asyncio.gather(*calls)
            assert [int(result.as_numpy("OUT_INT32")[0]) for result in results] == list(range(50))

            async def requests():
                for i in range(10):
                    yield {"model_name": "repeat", "inputs": [numbers("IN", i, i + 1)], "request_id": str(i)}

            seen = {}
            async for result, error in client.stream_infer(requests()):
                assert error is None, error
                seen.setdefault(result.get_response().id, []).append(int(result.as_numpy("OUT")[0]))
            assert seen == {str(i): [i, i + 1] for i in range(10)}, seen

    asyncio.run(run())


@scenario
def compression(ports):
    values = np.arange(100_000, dtype=np.float32)
    inputs = [tensor("IN_FP32", values, "FP32")]
    with connect(ports) as client:
        for algorithm in (None, "gzip", "deflate"):
            same(client.infer("ident_any", inputs, compression_algorithm=algorithm).as_numpy("OUT_FP32"), values)
            answers = open_stream(client, compression_algorithm=algorithm)
            client.async_stream_infer("ident_any", inputs)
            same(answer(answers).as_numpy("OUT_FP32"), values)
            client.stop_stream()


@scenario
def errors(ports):
    values = np.zeros((1, 4), np.int32)
    both = [tensor("INPUT0", values, "INT32"), tensor("INPUT1", values, "INT32")]
    wrong = tensor("INPUT1", np.zeros((1, 5), np.int32), "INT32")
    with connect(ports) as client:
        unknown = "Request for unknown model: 'nope' is not found"
        raises("StatusCode.NOT_FOUND", unknown, lambda: client.infer("nope", both))
        cases = [
            ([both[0], wrong], "unexpected shape for input 'INPUT1' for model 'add_sub'. Expected [-1,4], got [1,5]"),
            (both[:1], "expected 2 inputs but got 1 inputs for model 'add_sub'"),
            ([both[0], tensor("X", values, "INT32")], "unexpected inference input 'X' for model 'add_sub'"),
            ([both[0], tensor("INPUT1", values.astype(np.float32), "FP32")], "but model 'add_sub' expects 'INT32'"),
        ]
        for inputs, message in cases:
            raises("StatusCode.INVALID_ARGUMENT", message, lambda: client.infer("add_sub", inputs))
        codes = {"INTERNAL": "INTERNAL", "NOT_FOUND": "NOT_FOUND", "INVALID_ARG": "INVALID_ARGUMENT", "UNAVAILABLE": "UNAVAILABLE"}
        for code, status in {**codes, "UNSUPPORTED": "UNIMPLEMENTED", "ALREADY_EXISTS": "ALREADY_EXISTS"}.items():
            failing = [tensor("CODE", np.array([code.encode()], np.object_), "BYTES")]
            raises(f"StatusCode.{status}", f"model says {code}", lambda: client.infer("fail", failing))
        decoupled = "ModelInfer RPC doesn't support models with decoupled transaction policy"
        raises("StatusCode.UNIMPLEMENTED", decoupled, lambda: client.infer("repeat", [numbers("IN", 1)]))
        client.infer("add_sub", both)


@scenario
def restricted(ports):
    roger = [tensor("INPUT0", ROGER, "BYTES")]
    infer_key, admin_key = "triton-grpc-protocol-infer-key", "triton-grpc-protocol-admin-key"
    status, refusal = "StatusCode.UNAVAILABLE", "This protocol is restricted, expecting header"
    with connect(ports, "restricted_grpc") as client:
        raises(status, f"{refusal} '{infer_key}'", lambda: client.infer("identity_bytes", roger))
        raises(status, refusal, lambda: client.infer("identity_bytes", roger, headers={infer_key: "wrong"}))
        client.infer("identity_bytes", roger, headers={infer_key: "infer-value"})
        answers = open_stream(client)  # Which is refused before anything is sent on it.
        assert f"{refusal} '{infer_key}'" in str(answers.get(timeout=60)[1])
        client.stop_stream()
        answers = open_stream(client, headers={infer_key: "infer-value"})
        client.async_stream_infer("identity_bytes", roger)
        same(answer(answers).as_numpy("OUTPUT0"), ROGER)
        client.stop_stream()
        raises(status, f"{refusal} '{admin_key}'", lambda: client.load_model("identity_bytes"))
        raises(status, f"{refusal} '{admin_key}'", client.get_model_repository_index)
        assert client.get_model_repository_index(headers={admin_key: "admin-value"}).models
        assert client.is_server_ready() and client.get_server_metadata().name == "clients"


def secured(ports, name, *files):
    """A client with TLS; `files` are the authority's certificate, the client's key and its certificate."""
    roots, key, chain = [*(os.path.join(ports["certificates"], file) for file in files), None, None][:3]
    address = f"127.0.0.1:{ports[name]}"
    return triton.InferenceServerClient(address, ssl=True, root_certificates=roots, private_key=key, certificate_chain=chain)


def infers(client):
    same(client.infer("identity_bytes", [tensor("INPUT0", ROGER, "BYTES")]).as_numpy("OUTPUT0"), ROGER)
    answers = open_stream(client)
    client.async_stream_infer("repeat", [numbers("IN", 3, 1)])
    assert [int(answer(answers).as_numpy("OUT")[0]) for _ in range(2)] == [3, 1]
    client.stop_stream()


@scenario
def tls(ports):
    with secured(ports, "tls_grpc", "ca.crt") as client:
        infers(client)
        values = np.random.default_rng(1).random(1 << 20, dtype=np.float32)
        same(client.infer("ident_any", [tensor("IN_FP32", values, "FP32")]).as_numpy("OUT_FP32"), values)
    with secured(ports, "tls_grpc", "client.crt") as client:  # Which has not signed the server's.
        raises("StatusCode.UNAVAILABLE", "", client.is_server_live)
    with connect(ports, "tls_grpc") as client:
        raises("StatusCode.UNAVAILABLE", "", client.is_server_live)


@scenario
def mutual_tls(ports):
    with secured(ports, "mutual_tls_grpc", "ca.crt", "client.key", "client.crt") as client:
        infers(client)
    with secured(ports, "mutual_tls_grpc", "ca.crt") as client:
        raises("StatusCode.UNAVAILABLE", "", client.is_server_live)


def pinging(ports, name):
    """A client that pings as often as it can: it leaves a second between its pings, whatever it is told."""
    options = triton.KeepAliveOptions(
        keepalive_time_ms=100, keepalive_timeout_ms=5000, keepalive_permit_without_calls=True, http2_max_pings_without_data=0
    )
    return connect(ports, name, keepalive_options=options)


@scenario
def keepalive(ports):
    with pinging(ports, "keepalive_grpc") as client:
        client.infer("slow", seconds(3))
        time.sleep(1)
        client.infer("slow", seconds(0))


@scenario
def too_many_pings(ports):
    with pinging(ports, "strict_grpc") as client:
        raises("StatusCode.UNAVAILABLE", "too_many_pings", lambda: client.infer("slow", seconds(30)))
    with connect(ports) as client:
        client.infer("slow", seconds(0))


@scenario
def client_timeout(ports):
    def give_up(client):
        raises("StatusCode.DEADLINE_EXCEEDED", "", lambda: client.infer("slow", seconds(100), client_timeout=1))

    cancels(ports, give_up)


@scenario
def async_cancel(ports):
    def give_up(client):
        answers = queue.Queue()
        call = client.async_infer("slow", seconds(100), lambda result, error: answers.put(error))
        time.sleep(0.5)
        call.cancel()
        assert "Locally cancelled by application!" in str(answers.get(timeout=20))

    cancels(ports, give_up)


@scenario
def stream_cancel(ports):
    def give_up(client):
        answers = open_stream(client)
        client.async_stream_infer("slow", seconds(100))
        time.sleep(0.5)
        client.stop_stream(cancel_requests=True)
        assert "Locally cancelled by application!" in str(answers.get(timeout=20)[1])

    cancels(ports, give_up)


@scenario
def inference_metric(ports):
    count = lambda: metric(ports, "nv_inference_count", "identity_fp32_b")
    with connect(ports) as client:
        client.load_model("identity_fp32_b")
        assert count() == 0
        client.infer("identity_fp32_b", [tensor("INPUT0", np.zeros((1, 1), np.float32), "FP32")])
        eventually(lambda: count() == 1)
        assert metric(ports, "nv_inference_request_success", "identity_fp32_b") == 1


serve()
