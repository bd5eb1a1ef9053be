/**
 * An inference response as JSON, with binary data behind it where the client asked for it.
 *
 * @module
 */
import type { EngineOutput, EngineResponse } from "../engine.ts";
import { classify } from "./classification.ts";
import { JsonWriter } from "./json/writer.ts";
import { outputElementCount, writeElements } from "./output_json.ts";
import type { OutputPlan } from "./output_plan.ts";
import { writeParameterValue } from "./parameters.ts";

const NO_BYTES = new Uint8Array(0);

/** The body of an inference response. */
export interface InferenceBody {
  /** JSON, and the binary outputs behind it, which lie in the memory of the response. */
  readonly parts: readonly Uint8Array[];
  /** The length of the JSON when binary data follows it, else undefined. */
  readonly headerLength: number | undefined;
}

/**
 * Encodes a successful response in the forms of `plan`. `isBatched` says whether the model's shapes
 * begin with a batch dimension; only classification needs it.
 *
 * @throws {TritonError} INVALID_ARG for outputs that cannot be sent in the form that was asked for;
 * INTERNAL for outputs whose size is not that of their shape.
 */
export function encodeInference(
  response: EngineResponse,
  plan: OutputPlan,
  isBatched: boolean,
): InferenceBody {
  const writer = new JsonWriter(expectedSize(response, plan));
  writer.raw("{");
  if (response.id !== "") writer.raw('"id":').string(response.id).raw(",");
  writer.raw('"model_name":').string(response.modelName);
  writer.raw(',"model_version":').string(response.modelVersion);
  if (response.parameters.length > 0) {
    writer.raw(',"parameters":{');
    for (const [index, [name, value]] of response.parameters.entries()) {
      if (index > 0) writer.raw(",");
      writer.string(name).raw(":");
      writeParameterValue(writer, value);
    }
    writer.raw("}");
  }
  writer.raw(',"outputs":[');
  // The JSON comes before the binary outputs, but is complete only behind them.
  const parts: Uint8Array[] = [NO_BYTES];
  let binarySize = 0;
  for (let index = 0; index < response.outputs.length; index++) {
    if (index > 0) writer.raw(",");
    const binary = writeOutput(writer, response, index, plan, isBatched);
    if (binary === undefined) continue;
    parts.push(binary);
    binarySize += binary.length;
  }
  writer.raw("]}");
  parts[0] = writer.bytes();
  return { parts, headerLength: binarySize > 0 ? writer.length : undefined };
}

/** A guess that saves most growing: numbers in JSON at ten bytes each. */
function expectedSize(response: EngineResponse, plan: OutputPlan): number {
  let size = 512;
  for (const { name, datatype, byteSize } of response.outputs) {
    size += 128;
    if (!plan.form(name).isBinary) size += byteSize * (datatype === "BYTES" ? 1 : 3);
  }
  return size;
}

/** Writes an output as JSON; returns the bytes that are to follow the JSON, if any are. */
function writeOutput(
  writer: JsonWriter,
  response: EngineResponse,
  index: number,
  plan: OutputPlan,
  isBatched: boolean,
): Uint8Array | undefined {
  let output: Pick<EngineOutput, "name" | "datatype" | "shape" | "data"> = response.outputs[index];
  const { isBinary, classCount, placement } = plan.form(output.name);
  if (classCount > 0) {
    const label = (classIndex: number) => response.label(index, classIndex);
    output = { name: output.name, ...classify(output, classCount, isBatched, label) };
  }
  writer.raw('{"name":').string(output.name);
  writer.raw(',"datatype":"').raw(output.datatype).raw('","shape":[');
  writer.raw(output.shape.join(","));
  if (placement !== undefined) {
    writer.raw("]}");
  } else if (isBinary) {
    writer.raw('],"parameters":{"binary_data_size":').integer(output.data.length).raw("}}");
    return output.data;
  } else {
    writer.raw('],"data":[');
    const count = outputElementCount(output.shape);
    writeElements(writer, output.name, output.datatype, output.data, count);
    writer.raw("]}");
  }
}
