/**
 * The small model of `demo`, which adds and subtracts. It is examples/models/add_sub, held here because the
 * package has no examples.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The model's name. */
export const DEMO_MODEL = "add_sub";

const CONFIG = `# Adds and subtracts numbers, pair by pair.
backend: "python"
input [
  { name: "A" data_type: TYPE_FP32 dims: [ -1 ] },
  { name: "B" data_type: TYPE_FP32 dims: [ -1 ] }
]
output [
  { name: "SUM" data_type: TYPE_FP32 dims: [ -1 ] },
  { name: "DIFFERENCE" data_type: TYPE_FP32 dims: [ -1 ] }
]
`;

const PROGRAM = `import triton_python_backend_utils as triton


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        a, b = (
            triton.get_input_tensor_by_name(request, name).as_numpy()
            for name in ("A", "B")
        )
        return triton.InferenceResponse(
            [triton.Tensor("SUM", a + b), triton.Tensor("DIFFERENCE", a - b)]
        )
`;

/** Writes the model into the model repository at `folder`. */
export function writeDemoModel(folder: string): void {
  const version = join(folder, DEMO_MODEL, "1");
  mkdirSync(version, { recursive: true });
  writeFileSync(join(folder, DEMO_MODEL, "config.pbtxt"), CONFIG);
  writeFileSync(join(version, "model.py"), PROGRAM);
}
