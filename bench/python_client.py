"""Triton's own Python client as a load: one request after the other, each answer compared with what was sent.

    python_client.py http|grpc PORT SECONDS

Prints a line `MEASURED {"times": [seconds, ...]}`.
"""

import importlib
import json
import sys
import time

import numpy as np

protocol, port, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
triton = importlib.import_module(f"tritonclient.{protocol}")
client = triton.InferenceServerClient(f"127.0.0.1:{port}")
values = np.arange(16, dtype=np.float32)
tensor = triton.InferInput("INPUT0", list(values.shape), "FP32")
tensor.set_data_from_numpy(values)

times = []
end = time.perf_counter() + seconds
while True:
    start = time.perf_counter()
    if start > end:
        break
    answer = client.infer("echo", [tensor]).as_numpy("OUTPUT0")
    times.append(time.perf_counter() - start)
    assert np.array_equal(answer, values), answer
client.close()
print("MEASURED", json.dumps({"times": times}))
