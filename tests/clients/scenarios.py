"""What the scenario files of this folder share: the table of scenarios, and the loop that runs them.

The test sends one line of JSON for each scenario, `{"name": ..., "ports": {...}}`, and reads one back:
`{"name": ..., "error": null}`, or the traceback as `error`.
"""

import json
import sys
import time
import traceback
import urllib.request

import numpy as np
from tritonclient.utils import InferenceServerException

SCENARIOS = {}

# Both ends of each data type, as in tests/server/inference_test.ts. BF16 has a model of its own.
VALUES = {
    "BOOL": np.array([True, False]),
    "UINT8": np.array([0, 255], np.uint8),
    "UINT16": np.array([0, 65535], np.uint16),
    "UINT32": np.array([0, 4294967295], np.uint32),
    "UINT64": np.array([0, 18446744073709551615], np.uint64),
    "INT8": np.array([-128, 127], np.int8),
    "INT16": np.array([-32768, 32767], np.int16),
    "INT32": np.array([-2147483648, 2147483647], np.int32),
    "INT64": np.array([-9223372036854775808, 9223372036854775807], np.int64),
    "FP16": np.array([-65504, 0.5], np.float16),
    "FP32": np.array([3.4028235e38, -0.1], np.float32),
    "FP64": np.array([1.7976931348623157e308, -0.1], np.float64),
    "BYTES": np.array(["é".encode(), "\U0001f600".encode()], np.object_),
}


def scenario(function):
    """Adds a function that takes the ports to the table, under its own name."""
    SCENARIOS[function.__name__] = function
    return function


def same(actual, expected):
    """Fails unless the arrays have the same type, shape and values."""
    assert actual is not None, f"nothing instead of {expected}"
    assert actual.dtype == expected.dtype, f"{actual.dtype} instead of {expected.dtype}"
    assert actual.shape == expected.shape, f"{actual.shape} instead of {expected.shape}"
    assert (actual == expected).all(), f"{actual} instead of {expected}"


def raises(status, text, call):
    """Fails unless `call` raises the clients' exception with that status and a message with that text."""
    try:
        call()
    except InferenceServerException as error:
        assert str(error.status()) == status, f"status {error.status()} ({error}) instead of {status}"
        assert text in error.message(), f"{error.message()!r} instead of {text!r}"
        return
    raise AssertionError(f"no error {status} {text}")


def metric(ports, name, model, **labels):
    """The sum of the samples of a metric for one model; 0 when there are none."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['metrics']}/metrics", timeout=30) as response:
        assert response.headers["content-type"].startswith("text/plain"), response.headers["content-type"]
        text = response.read().decode()
    wanted = [f'model="{model}"', *(f'{key}="{value}"' for key, value in labels.items())]
    lines = [line for line in text.splitlines() if line.startswith(name + "{")]
    return sum(float(line.split()[-1]) for line in lines if all(label in line for label in wanted))


def eventually(condition, seconds=20):
    """Fails unless the condition comes true in time."""
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "it never came true"
        time.sleep(0.05)


def serve():
    """Runs the scenarios that standard input names, until it ends."""
    print(json.dumps(list(SCENARIOS)), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        error = None
        try:
            SCENARIOS[asked["name"]](asked["ports"])
        except BaseException:
            error = traceback.format_exc()
        print(json.dumps({"name": asked["name"], "error": error}), flush=True)
