"""Triton's own Python clients against a front end: `python_client.py PORT`, ends with status 0 if all is well.

The server has the models `echo` and `echo_stream` of tests/support/models.
"""

import asyncio
import queue
import sys
import threading
import time

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

URL = f"127.0.0.1:{sys.argv[1]}"


def tensor(values):
    data = np.asarray(values, dtype=np.float32)
    result = triton.InferInput("INPUT0", list(data.shape), "FP32")
    result.set_data_from_numpy(data)
    return result


def raises(expected, call):
    try:
        call()
    except InferenceServerException as error:
        assert expected in str(error), f"{error} instead of {expected}"
        return
    raise AssertionError(f"{expected} did not come")


def metadata(client):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("echo")
    assert "statistics" in client.get_server_metadata().extensions
    assert client.get_model_metadata("echo").inputs[0].datatype == "FP32"
    assert client.get_model_config("echo_stream").config.model_transaction_policy.decoupled
    assert {m.name for m in client.get_model_repository_index().models} == {"echo", "echo_stream"}
    assert client.get_inference_statistics("echo").model_stats[0].name == "echo"
    raises("[StatusCode.NOT_FOUND] Request for unknown model: 'nope'", lambda: client.is_model_ready("nope"))
    settings = client.update_log_settings({"log_verbose_level": 0, "log_format": "default"}, as_json=True)
    assert settings["settings"]["log_format"]["string_param"] == "default"
    assert "trace_rate" in client.get_trace_settings(as_json=True)["settings"]
    assert client.get_system_shared_memory_status(as_json=True) == {}


def unary(client):
    values = np.arange(5, dtype=np.float32)
    result = client.infer("echo", [tensor(values)], request_id="7", timeout=1000000)
    assert (result.as_numpy("OUTPUT0") == values).all() and result.get_response().id == "7"
    for algorithm in ("gzip", "deflate"):
        result = client.infer("echo", [tensor(values)], compression_algorithm=algorithm)
        assert (result.as_numpy("OUTPUT0") == values).all()
    result = client.infer("echo", [tensor(np.zeros(0))])
    assert result.as_numpy("OUTPUT0").size == 0
    output = triton.InferRequestedOutput("OUTPUT0", class_count=2)
    result = client.infer("echo", [tensor([1.5, 9, 3])], outputs=[output])
    assert list(result.as_numpy("OUTPUT0")) == [b"9.000000:1", b"3.000000:2"]
    result = client.infer("echo", [tensor([1])], parameters={"with_parameters": 1}).get_response()
    assert len(result.parameters) > 0, result
    raises("[StatusCode.INTERNAL]", lambda: client.infer("echo", [tensor([1])], parameters={"fail_at": 1}))
    raises(
        "[StatusCode.UNIMPLEMENTED] ModelInfer RPC doesn't support models with decoupled transaction policy",
        lambda: client.infer("echo_stream", [tensor([1])]),
    )


def large(client):
    values = np.random.default_rng(1).random(16 << 20, dtype=np.float32)
    result = client.infer("echo", [tensor(values)])
    assert (result.as_numpy("OUTPUT0") == values).all()


def large_at_once(client):
    values = np.random.default_rng(1).random(1 << 20, dtype=np.float32)
    answers = queue.Queue()
    for _ in range(8):
        client.async_infer("echo", [tensor(values)], lambda result, error: answers.put((result, error)))
    for _ in range(8):
        result, error = answers.get(timeout=60)
        assert error is None and (result.as_numpy("OUTPUT0") == values).all(), error


def concurrent(client):
    calls = []
    for i in range(200):
        answers = queue.Queue()
        client.async_infer("echo", [tensor([i])], lambda result, error, q=answers: q.put((result, error)))
        calls.append(answers)
    for i, answers in enumerate(calls):
        result, error = answers.get(timeout=20)
        assert error is None and result.as_numpy("OUTPUT0")[0] == i, error


def cancelled(client):
    start = time.time()
    slow = {"delay_us": 20_000_000}
    raises(
        "[StatusCode.DEADLINE_EXCEEDED] Deadline Exceeded",
        lambda: client.infer("echo", [tensor([1])], parameters=slow, client_timeout=0.3),
    )
    answers = queue.Queue()
    call = client.async_infer("echo", [tensor([1])], lambda result, error: answers.put(error), parameters=slow)
    time.sleep(0.2)
    call.cancel()
    assert "Locally cancelled by application!" in str(answers.get(timeout=5))
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put(error))
    client.async_stream_infer("echo_stream", [tensor([1])], parameters=slow)
    time.sleep(0.2)
    client.stop_stream(cancel_requests=True)
    # The only instance is free again at once, which it is not unless all three were cancelled.
    client.infer("echo", [tensor([1])])
    assert time.time() - start < 10


def stream(client):
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    many = {"responses": 50}
    client.async_stream_infer("echo_stream", [tensor([1])], request_id="s", parameters=many, enable_empty_final_response=True)
    seen = 0
    while True:
        result, error = answers.get(timeout=20)
        assert error is None, error
        response = result.get_response()
        assert response.id == "s"
        if response.parameters["triton_final_response"].bool_param:
            break
        seen += 1
    assert seen in (49, 50), seen
    for i in range(20):
        client.async_stream_infer("echo", [tensor([i])], request_id=str(i))
    for i in range(20):
        result, error = answers.get(timeout=20)
        assert error is None and result.get_response().id == str(i)
    client.async_stream_infer("nope", [tensor([1])])
    result, error = answers.get(timeout=20)
    assert "Request for unknown model: 'nope' is not found" in str(error)
    client.stop_stream()


def status_mode(client):
    """The case that kills Triton 2.51: others of the stream are still at work when one fails."""
    for _ in range(20):
        answers = queue.Queue()
        client.start_stream(lambda result, error: answers.put((result, error)), headers={"triton_grpc_error": "true"})
        client.async_stream_infer("echo_stream", [tensor([1])], parameters={"responses": 100, "fail_at": 2, "delay_us": 200})
        client.async_stream_infer("echo_stream", [tensor([1])], parameters={"responses": 100})
        while True:
            result, error = answers.get(timeout=20)
            if error is not None:
                break
        assert "[StatusCode.INTERNAL]" in str(error), error
        client.stop_stream()


def slow_reader(_client):
    """A client that reads slowly gets everything all the same."""
    channel = grpc.insecure_channel(URL, options=[("grpc.max_receive_message_length", -1)])
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    values = np.zeros(256 << 10, dtype=np.float32)
    request = service_pb2.ModelInferRequest(model_name="echo_stream")
    request.inputs.add(name="INPUT0", datatype="FP32", shape=[values.size])
    request.raw_input_contents.append(values.tobytes())
    request.parameters["responses"].int64_param = 100
    count = 0
    for response in stub.ModelStreamInfer(iter([request])):
        assert response.error_message == ""
        count += len(response.infer_response.raw_output_contents[0])
        time.sleep(0.005)
    assert count == 100 * values.nbytes
    channel.close()


def asynchronous(_client):
    async def run():
        async with triton_aio.InferenceServerClient(URL) as client:
            results = await asyncio.gather(*(client.infer("echo", [tensor([i])]) for i in range(50)))
            assert [r.as_numpy("OUTPUT0")[0] for r in results] == list(range(50))

            async def requests():
                for i in range(10):
                    yield {"model_name": "echo_stream", "inputs": [tensor([i])], "request_id": str(i)}

            ids = []
            async for result, error in client.stream_infer(requests()):
                assert error is None
                ids.append(result.get_response().id)
            assert sorted(ids, key=int) == [str(i) for i in range(10)]

    asyncio.run(run())


def connections(_client):
    def one():
        with triton.InferenceServerClient(URL, channel_args=[("grpc.use_local_subchannel_pool", 1)]) as client:
            for i in range(5):
                assert client.infer("echo", [tensor([i])]).as_numpy("OUTPUT0")[0] == i

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


with triton.InferenceServerClient(URL) as shared:
    for test in (metadata, unary, large, large_at_once, concurrent, cancelled, stream, status_mode, slow_reader, asynchronous, connections):
        start = time.time()
        test(shared)
        print(f"{test.__name__} {time.time() - start:.2f} s", flush=True)
