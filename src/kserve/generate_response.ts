/**
 * A generate response: one flat JSON object, its members sorted by name; and its form as a server-sent
 * event.
 *
 * @module
 */
import type { EngineResponse } from "../engine.ts";
import { JsonWriter } from "./json/writer.ts";
import { outputElementCount, writeElements } from "./output_json.ts";
import { writeParameterValue } from "./parameters.ts";

const encoder = new TextEncoder();
const EVENT_START = encoder.encode("data: ");
const EVENT_END = encoder.encode("\n\n");

/**
 * Encodes a successful response. Of members with the same name the model's name, version and id come
 * first, then parameters, then outputs; the rest are left out.
 *
 * @throws {TritonError} INVALID_ARG for outputs whose type JSON cannot carry; INTERNAL for outputs whose
 * size is not that of their shape.
 */
export function encodeGenerate(response: EngineResponse): Uint8Array<ArrayBuffer> {
  const writer = new JsonWriter();
  const members = new Map<string, () => void>();
  const add = (name: string, write: () => void) => {
    if (!members.has(name)) members.set(name, write);
  };
  if (response.id !== "") add("id", () => writer.string(response.id));
  add("model_name", () => writer.string(response.modelName));
  add("model_version", () => writer.string(response.modelVersion));
  for (const [name, value] of response.parameters) {
    add(name, () => writeParameterValue(writer, value));
  }
  for (const { name, datatype, shape, data } of response.outputs) {
    add(name, () => {
      const count = outputElementCount(shape);
      if (count !== 1) writer.raw("[");
      writeElements(writer, name, datatype, data, count);
      if (count !== 1) writer.raw("]");
    });
  }
  [...members.keys()].sort().forEach((name, index) => {
    writer.raw(index === 0 ? "{" : ",").string(name).raw(":");
    members.get(name)!();
  });
  writer.raw("}");
  return writer.bytes();
}

/** The JSON text `json` as one server-sent event. */
export function serverSentEvent(json: Uint8Array): Uint8Array<ArrayBuffer> {
  const event = new Uint8Array(EVENT_START.length + json.length + EVENT_END.length);
  event.set(EVENT_START);
  event.set(json, EVENT_START.length);
  event.set(EVENT_END, EVENT_START.length + json.length);
  return event;
}
