/**
 * In which form each output of an inference goes back to the client.
 *
 * @module
 */
import type { EngineOutputRequest, MemorySlice } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { cString } from "./c_string.ts";
import type { JsonValue } from "./json/value.ts";
import type { RegionLeases } from "./shared_memory_leases.ts";

/** The form of one output. */
export interface OutputForm {
  /** Raw bytes behind the JSON instead of a JSON list. */
  readonly isBinary: boolean;
  /** How many classes to report instead of the tensor; 0 for the tensor itself. */
  readonly classCount: number;
  /** The memory of the client into which the server writes the output. */
  readonly placement?: MemorySlice;
}

const JSON_FORM: OutputForm = { isBinary: false, classCount: 0 };
const BINARY_FORM: OutputForm = { isBinary: true, classCount: 0 };

const NO_FORMS: ReadonlyMap<string, OutputForm> = new Map();

/** The forms of a request's outputs. */
export class OutputPlan {
  readonly #forms: ReadonlyMap<string, OutputForm>;
  readonly #unlisted: OutputForm;

  /** A plan for the listed outputs; all others are binary or JSON as `isBinary` says. */
  constructor(forms: ReadonlyMap<string, OutputForm>, isBinary: boolean) {
    this.#forms = forms;
    this.#unlisted = isBinary ? BINARY_FORM : JSON_FORM;
  }

  /** The form of the output called `name`. */
  form(name: string): OutputForm {
    if (this.#forms.size === 0) return this.#unlisted;
    return this.#forms.get(name) ?? this.#unlisted;
  }

  /** Whether any output is to be reported as classes. */
  get hasClassification(): boolean {
    if (this.#forms.size === 0) return false;
    for (const { classCount } of this.#forms.values()) if (classCount > 0) return true;
    return false;
  }

  /** The listed outputs, for the server. */
  requests(): EngineOutputRequest[] {
    if (this.#forms.size === 0) return [];
    return [...this.#forms].map(([name, { placement }]) =>
      placement === undefined ? { name } : { name, placement }
    );
  }
}

/**
 * Reads the `outputs` of an inference request. `binaryDataOutput` is the form of those that are not
 * listed; it does not reach the listed ones.
 *
 * @throws {TritonError} INTERNAL for members of the wrong type; INVALID_ARG for outputs that are listed
 * twice or are to go to shared memory in a form that cannot.
 */
export function parseOutputPlan(
  json: JsonValue | undefined,
  binaryDataOutput: boolean,
  regions: RegionLeases,
  requestId: string,
): OutputPlan {
  if (json === undefined) return new OutputPlan(NO_FORMS, binaryDataOutput);
  const forms = new Map<string, OutputForm>();
  for (const output of json.asArray("Unable to parse 'outputs'")) {
    const parameters = output.member("parameters");
    checkConflicts(parameters);
    const what = "Unable to parse 'name'";
    const name = cString(output.requiredMember("name", what).asString(what));
    if (forms.has(name)) {
      throw new TritonError(
        "INVALID_ARG",
        `[request id: ${requestId || "<id_unknown>"}] output '${name}' already exists in request`,
      );
    }
    forms.set(name, parseForm(parameters, regions));
  }
  return new OutputPlan(forms, binaryDataOutput);
}

/** Refuses what cannot go together; comes first, as in Triton. */
function checkConflicts(parameters: JsonValue | undefined): void {
  if (parameters?.member("shared_memory_region") === undefined) return;
  if (parameters.member("classification") !== undefined) throw conflictError("classification");
  const isBinary = parameters.member("binary_data")?.asBoolean("Unable to set 'binary_data'");
  if (isBinary) throw conflictError("binary_data");
}

function conflictError(other: string): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `Output can't set both 'shared_memory_region' and '${other}'`,
  );
}

function parseForm(parameters: JsonValue | undefined, regions: RegionLeases): OutputForm {
  const count = parameters?.member("classification")?.asUint64("Unable to set 'classification'") ??
    0;
  // Triton keeps 32 bits of the count.
  const classCount = Number(BigInt.asUintN(32, BigInt(count)));
  const placement = parsePlacement(parameters, regions);
  if (placement !== undefined) return { isBinary: false, classCount: 0, placement };
  const isBinary = parameters?.member("binary_data")?.asBoolean("Unable to parse 'binary_data'") ??
    false;
  return classCount === 0 ? (isBinary ? BINARY_FORM : JSON_FORM) : { isBinary, classCount };
}

/**
 * The memory that the `parameters` of an input or output name; undefined when they name none. The types
 * of an offset and a size are checked all the same, as in Triton.
 */
export function parsePlacement(
  parameters: JsonValue | undefined,
  regions: RegionLeases,
): MemorySlice | undefined {
  const region = parameters?.member("shared_memory_region")
    ?.asString("Unable to parse 'shared_memory_region'");
  const member = (key: string) =>
    parameters?.member(key)?.asUint64(`Unable to parse '${key}'`) ?? 0;
  const offset = member("shared_memory_offset");
  const byteSize = member("shared_memory_byte_size");
  return region === undefined ? undefined : regions.find(cString(region), offset, byteSize);
}
