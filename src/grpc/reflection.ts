/**
 * Server reflection (grpc.reflection.v1 and v1alpha, which are the same on the wire): an addition to
 * what Triton offers.
 *
 * @module
 */
import {
  create,
  createRegistry,
  type DescFile,
  fromBinary,
  type MessageInitShape,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_grpc_service } from "../../proto/gen/grpc_service_pb.ts";
import { file_health } from "../../proto/gen/health_pb.ts";
import { file_model_config } from "../../proto/gen/model_config_pb.ts";
import {
  file_reflection,
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../proto/gen/reflection_pb.ts";
import { GRPCInferenceService } from "../../proto/gen/grpc_service_pb.ts";
import { Health } from "../../proto/gen/health_pb.ts";
import { type CallHandler, encodeFrame } from "./rpc.ts";
import { UNPARSABLE } from "./status.ts";

const FILES: readonly DescFile[] = [
  file_grpc_service,
  file_model_config,
  file_health,
  file_reflection,
];
const SERVICES = [GRPCInferenceService, Health, ServerReflection];
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

/** ServerReflectionInfo: an answer to each question. */
export function reflectionHandler(): CallHandler {
  const registry = createRegistry(...FILES);
  return (call) => {
    call.listener = {
      message(bytes) {
        let question: ServerReflectionRequest;
        try {
          question = fromBinary(ServerReflectionRequestSchema, bytes ?? new Uint8Array([0]));
        } catch {
          call.finish(UNPARSABLE);
          return;
        }
        call.send(encodeFrame(ServerReflectionResponseSchema, answer(registry, question)));
      },
      end: () => call.finish(),
      cancelled() {},
    };
  };
}

type Answer = MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"];

/** The response to one question of the reflection service. */
export function answer(
  registry: Registry,
  question: ServerReflectionRequest,
): ServerReflectionResponse {
  return create(ServerReflectionResponseSchema, {
    validHost: question.host,
    originalRequest: question,
    messageResponse: find(registry, question.messageRequest),
  });
}

function find(
  registry: Registry,
  question: ServerReflectionRequest["messageRequest"],
): Answer {
  switch (question.case) {
    case "listServices":
      return {
        case: "listServicesResponse",
        value: { service: SERVICES.map(({ typeName }) => ({ name: typeName })) },
      };
    case "fileByFilename":
      return fileAnswer(
        FILES.find((file) => `${file.name}.proto` === question.value),
        question.value,
      );
    case "fileContainingSymbol":
      return fileAnswer(fileOfSymbol(registry, question.value), question.value);
    case "fileContainingExtension":
    case "allExtensionNumbersOfType":
      return failure(NOT_FOUND, "there are no extensions");
    default:
      return failure(UNIMPLEMENTED, "not a question that this server knows");
  }
}

/** The file of a service, message or enumeration, or of what one of these contains. */
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")));
  return (registry.get(symbol) ?? registry.get(parent))?.file;
}

/** The file and those that it imports, each before the files that need it. */
function fileAnswer(file: DescFile | undefined, name: string): Answer {
  if (file === undefined) return failure(NOT_FOUND, `'${name}' is not known`);
  const files = [file, ...file.dependencies];
  return {
    case: "fileDescriptorResponse",
    value: {
      fileDescriptorProto: files.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)),
    },
  };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
