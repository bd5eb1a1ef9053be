/**
 * ModelInferRequest without the general decoder of protobuf: the raw contents stay where they are.
 *
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type InferParameter,
  type InferTensorContents,
  InferTensorContentsSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import type { Int64 } from "../engine.ts";
import { joined } from "./framing.ts";
import { ProtoReader } from "./proto_reader.ts";

/** A parameter, of which only the value is of interest. */
export type ParameterMessage = Pick<InferParameter, "parameterChoice">;

/** Parameters by name. */
export type ParameterMessages = Readonly<Record<string, ParameterMessage>>;

/** An input of a request. */
export interface InputMessage {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly Int64[];
  readonly parameters: ParameterMessages;
  readonly contents?: InferTensorContents;
}

/** An output that a request asks for. */
export interface OutputMessage {
  readonly name: string;
  readonly parameters: ParameterMessages;
}

/** A ModelInferRequest; the one of the generated code fits as well. */
export interface InferMessage {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: ParameterMessages;
  readonly inputs: readonly InputMessage[];
  readonly outputs: readonly OutputMessage[];
  /** Views of the message's bytes. */
  readonly rawInputContents: readonly Uint8Array[];
  /** Memory of the pool that the request may use until it is released. */
  readonly memory?: Uint8Array;
}

type Choice = ParameterMessage["parameterChoice"];
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Parameters = Record<string, ParameterMessage>;

const NO_PARAMETERS: ParameterMessages = Object.freeze(Object.create(null));
const NO_CHOICE: Choice = { case: undefined };

/** Decodes a ModelInferRequest. Throws when it is none. */
export function decodeInferMessage(bytes: Uint8Array): InferMessage {
  const inputs: InputMessage[] = [];
  const outputs: OutputMessage[] = [];
  const rawInputContents: Uint8Array[] = [];
  const message: Mutable<InferMessage> = {
    modelName: "",
    modelVersion: "",
    id: "",
    parameters: NO_PARAMETERS,
    inputs,
    outputs,
    rawInputContents,
    memory: bytes,
  };
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    const { field } = reader;
    if (field > 7) reader.skip();
    else if (!reader.isBytes()) continue;
    else if (field === 1) message.modelName = reader.string();
    else if (field === 2) message.modelVersion = reader.string();
    else if (field === 3) message.id = reader.string();
    else if (field === 4) message.parameters = withParameter(message.parameters, reader);
    else if (field === 5) inputs.push(readInput(reader));
    else if (field === 6) outputs.push(readOutput(reader));
    else rawInputContents.push(reader.bytes());
  }
  return message;
}

function readInput(reader: ProtoReader): InputMessage {
  const shape: Int64[] = [];
  const input: Mutable<InputMessage> = { name: "", datatype: "", shape, parameters: NO_PARAMETERS };
  // Contents that come in several parts are one message, as if the parts lay behind each other.
  let contents: Uint8Array | undefined;
  reader.nested(() => {
    while (reader.next()) {
      const { field } = reader;
      if (field > 5) reader.skip();
      else if (field === 3) readShape(reader, shape);
      else if (!reader.isBytes()) continue;
      else if (field === 1) input.name = reader.string();
      else if (field === 2) input.datatype = reader.string();
      else if (field === 4) input.parameters = withParameter(input.parameters, reader);
      else contents = contents ? joined([contents, reader.bytes()]) : reader.bytes();
    }
  });
  if (contents !== undefined) input.contents = fromBinary(InferTensorContentsSchema, contents);
  return input;
}

function readShape(reader: ProtoReader, shape: Int64[]): void {
  const isPacked = reader.isPacked();
  if (isPacked === false) {
    shape.push(reader.dimension());
  } else if (isPacked) {
    reader.nested(() => {
      while (reader.hasMore) shape.push(reader.dimension());
    });
  }
}

function readOutput(reader: ProtoReader): OutputMessage {
  const output: Mutable<OutputMessage> = { name: "", parameters: NO_PARAMETERS };
  reader.nested(() => {
    while (reader.next()) {
      const { field } = reader;
      if (field > 2) reader.skip();
      else if (!reader.isBytes()) continue;
      else if (field === 1) output.name = reader.string();
      else output.parameters = withParameter(output.parameters, reader);
    }
  });
  return output;
}

/** Reads an entry of a map of parameters; of several with the same name the last one counts. */
function withParameter(before: ParameterMessages, reader: ProtoReader): ParameterMessages {
  const parameters: Parameters = before === NO_PARAMETERS ? Object.create(null) : before;
  let name = "";
  let parameterChoice = NO_CHOICE;
  reader.nested(() => {
    while (reader.next()) {
      if (reader.field > 2) reader.skip();
      else if (!reader.isBytes()) continue;
      else if (reader.field === 1) name = reader.string();
      else parameterChoice = readChoice(reader, parameterChoice);
    }
  });
  parameters[name] = { parameterChoice };
  return parameters;
}

/** The last value of the oneof counts. */
function readChoice(reader: ProtoReader, before: Choice): Choice {
  let choice = before;
  reader.nested(() => {
    while (reader.next()) choice = readValue(reader) ?? choice;
  });
  return choice;
}

function readValue(reader: ProtoReader): Choice | undefined {
  switch (reader.field) {
    case 1:
      return reader.isVarint() ? { case: "boolParam", value: reader.bool() } : undefined;
    case 2:
      return reader.isVarint() ? { case: "int64Param", value: reader.int64() } : undefined;
    case 3:
      return reader.isBytes() ? { case: "stringParam", value: reader.string() } : undefined;
    case 4:
      return reader.isFixed64() ? { case: "doubleParam", value: reader.double() } : undefined;
    case 5:
      return reader.isVarint() ? { case: "uint64Param", value: reader.uint64() } : undefined;
    default:
      reader.skip();
      return undefined;
  }
}
