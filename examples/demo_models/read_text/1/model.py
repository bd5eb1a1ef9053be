"""Reads text in pictures with the PP-OCRv4 networks, which rapidocr-onnxruntime carries as ONNX files.

Needs numpy<2, rapidocr-onnxruntime and opencv-python-headless in the Python of Triton's Python backend.
"""

import io
import json

import numpy as np
import triton_python_backend_utils as pb_utils
from PIL import Image
from rapidocr_onnxruntime import RapidOCR


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        threads = int(parameters["threads"]["string_value"])
        self.reader = RapidOCR(intra_op_num_threads=threads, inter_op_num_threads=1)

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        encoded = pb_utils.get_input_tensor_by_name(request, "IMAGE").as_numpy()[0]
        try:
            picture = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
        except OSError:
            message = f"IMAGE: {len(encoded)} bytes that are no picture in a known format, such as PNG or JPEG"
            return pb_utils.InferenceResponse(
                error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG)
            )
        lines = self.reader(picture[:, :, ::-1])[0] or []
        texts = np.array([text.encode() for _, text, _ in lines], dtype=np.object_)
        scores = np.array([score for _, _, score in lines], dtype=np.float32)
        boxes = np.array([box for box, _, _ in lines], dtype=np.float32).reshape(-1, 4, 2)
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("TEXT", texts),
                pb_utils.Tensor("SCORE", scores),
                pb_utils.Tensor("BOX", boxes),
            ]
        )
