/**
 * A response of the C library as the front ends see it.
 *
 * @module
 */
import type { BridgeResponse } from "../../ffi/bridge/layout.ts";
import type { Library } from "../../ffi/library.ts";
import type { EngineOutput, EngineResponse, ParameterValue } from "../engine.ts";
import { TritonError } from "../errors.ts";

/** Wraps a record of the bridge and owns its output memory. */
export class ServerResponse implements EngineResponse {
  readonly #library: Library;
  readonly #record: BridgeResponse;
  readonly error: TritonError | undefined;
  #released = false;

  constructor(library: Library, record: BridgeResponse) {
    this.#library = library;
    this.#record = record;
    this.error = record.errorCode === undefined
      ? undefined
      : TritonError.fromNumber(record.errorCode, record.errorText);
  }

  get final(): boolean {
    return this.#record.final;
  }

  get hasContent(): boolean {
    return this.#record.hasContent;
  }

  get modelName(): string {
    return this.#record.modelName;
  }

  get modelVersion(): string {
    return this.#record.modelVersion;
  }

  get id(): string {
    return this.#record.id;
  }

  get parameters(): readonly (readonly [string, ParameterValue])[] {
    return this.#record.parameters;
  }

  get outputs(): readonly EngineOutput[] {
    return this.#record.outputs;
  }

  label(outputIndex: number, classIndex: number): string | undefined {
    if (this.#released || this.#record.response === 0) {
      throw new TypeError(
        "Cannot read labels: the request did not say wantsLabels, or is released",
      );
    }
    return this.#library.native.classificationLabel(
      this.#record.response,
      outputIndex,
      classIndex,
    );
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#library.queue.release(this.#record);
  }
}
