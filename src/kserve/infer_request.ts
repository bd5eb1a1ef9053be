/**
 * An HTTP inference request: a JSON part and binary data behind it, or one raw tensor.
 *
 * @module
 */
import type { EngineInput, EngineRequest, Int64, ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { cString, stoi } from "./c_string.ts";
import { parseInputs } from "./inputs.ts";
import { parseJson } from "./json/value.ts";
import { type KnownHeader, KnownHeaders } from "./known_headers.ts";
import { limitJson, limitRaw } from "./limits.ts";
import { OutputPlan, parseOutputPlan } from "./output_plan.ts";
import { parseRequestParameters } from "./parameters.ts";
import type { RegionSource } from "./shared_memory.ts";
import { RegionLeases } from "./shared_memory_leases.ts";

/** What an inference request is read against. */
export interface InferenceContext {
  readonly modelName: string;
  /** -1 for the version that the model's policy chooses. */
  readonly modelVersion: Int64;
  /** Where shared-memory regions are looked up. */
  readonly regions: RegionSource;
  /** The limit on JSON and on what is made from it, in bytes. */
  readonly maxInputSize: number;
  /** The parameters that forwarded headers add behind those of the body, when it has been read. */
  readonly forwarded: () => readonly (readonly [string, ParameterValue])[];
}

/** A request for the server, and in which form its outputs go back. */
export interface Inference {
  readonly request: EngineRequest;
  readonly plan: OutputPlan;
}

/**
 * The length of a body's JSON part from the header `Inference-Header-Content-Length`: the whole body
 * without that header.
 *
 * @throws {TritonError} INVALID_ARG when the header is no number, or not between 0 and `bodyLength`.
 */
export function parseHeaderLength(header: string | undefined, bodyLength: number): number {
  if (header === undefined) return bodyLength;
  const length = stoi(header);
  const name = "Inference-Header-Content-Length";
  if (Number.isNaN(length)) {
    throw new TritonError("INVALID_ARG", `Unable to parse ${name}, got: ${header}`);
  }
  if (!Number.isFinite(length)) {
    throw new TritonError(
      "INVALID_ARG",
      `Unable to parse ${name}, value is out of range [ -2147483648, 2147483647 ], got: ${header}`,
    );
  }
  if (length < 0 || length > bodyLength) {
    throw new TritonError(
      "INVALID_ARG",
      `inference header size should be in range (0, ${bodyLength}), got: ${header}`,
    );
  }
  return length;
}

/**
 * Reads a request's body, whose first `headerLength` bytes are JSON. With none the whole body is the
 * one tensor of a raw request, whose outputs are all binary.
 *
 * @throws {TritonError} with the texts and codes of Triton's HTTP front end.
 */
export function parseInference(
  body: Uint8Array,
  headerLength: number,
  context: InferenceContext,
): Inference {
  const { modelName, modelVersion, forwarded } = context;
  if (headerLength === 0) {
    limitRaw(body.length, context.maxInputSize);
    const parameters = forwarded();
    const request = { modelName, modelVersion, inputs: [], rawInput: body, parameters };
    return { request, plan: new OutputPlan(new Map(), true) };
  }
  limitJson(headerLength, context.maxInputSize);
  const binarySize = body.length - headerLength;
  const known = binarySize === 0 ? undefined : knownHeaders.find(body, headerLength);
  if (known?.binarySize === binarySize) {
    return withData(known, body, headerLength, context);
  }
  const regions = new RegionLeases(context.regions);
  return regions.hold(() => parseWithJson(body, headerLength, context, regions));
}

const knownHeaders = new KnownHeaders();

/** The request whose JSON part is known: its data begins at `at`. */
function withData(
  known: KnownHeader,
  body: Uint8Array,
  at: number,
  context: InferenceContext,
): Inference {
  const inputs: EngineInput[] = [];
  for (const { name, datatype, shape, byteSize } of known.inputs) {
    inputs.push({ name, datatype, shape, data: body.subarray(at, at + byteSize) });
    at += byteSize;
  }
  return { request: engineRequest(known.request, inputs, context), plan: known.plan };
}

/** The request with what its path and its other headers say. */
function engineRequest(
  read: KnownHeader["request"],
  inputs: readonly EngineInput[],
  { modelName, modelVersion, forwarded }: InferenceContext,
): EngineRequest {
  const added = forwarded();
  const { parameters = [] } = read;
  return {
    modelName,
    modelVersion,
    id: read.id,
    flags: read.flags,
    correlationId: read.correlationId,
    priority: read.priority,
    timeoutMicroseconds: read.timeoutMicroseconds,
    inputs,
    outputs: read.outputs,
    parameters: added.length === 0 ? parameters : [...parameters, ...added],
    wantsLabels: read.wantsLabels,
  };
}

function parseWithJson(
  body: Uint8Array,
  headerLength: number,
  context: InferenceContext,
  regions: RegionLeases,
): Inference {
  const { modelName, maxInputSize } = context;
  const json = parseJson(body.subarray(0, headerLength));
  const id = cString(json.member("id")?.asString("Unable to parse 'id'") ?? "");
  const { parameters, binaryDataOutput, flags, correlationId, priority, timeoutMicroseconds } =
    parseRequestParameters(json.member("parameters"));
  const binary = body.subarray(headerLength);
  const inputs = parseInputs(json.requiredMember("inputs", "Unable to parse 'inputs'"), {
    binary,
    regions,
    modelName,
    maxInputSize,
  });
  const plan = parseOutputPlan(json.member("outputs"), binaryDataOutput, regions, id);
  const read = {
    flags,
    correlationId,
    priority,
    timeoutMicroseconds,
    id,
    outputs: plan.requests(),
    parameters,
    wantsLabels: plan.hasClassification,
  };
  // Only what needs nothing but these bytes and the data behind them can be used again.
  if (!regions.areUsed && binary.length > 0 && inputs.every(({ data }) => liesIn(data, binary))) {
    knownHeaders.learn(body, headerLength, () => {
      const sized = inputs.map(({ name, datatype, shape, data }) => {
        return { name, datatype, shape, byteSize: (data as Uint8Array).length };
      });
      return { request: read, inputs: sized, binarySize: binary.length, plan };
    });
  }
  return { request: engineRequest(read, inputs, context), plan };
}

function liesIn(data: EngineInput["data"], memory: Uint8Array): boolean {
  return data instanceof Uint8Array && data.buffer === memory.buffer;
}
