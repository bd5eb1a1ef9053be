/**
 * The gRPC services for clients that have HTTP/1.x only: gRPC-Web, as browsers use it, and the Connect
 * protocol, which curl can speak. The methods are those of the gRPC front end; Connect's handlers do the
 * protocols.
 *
 * @module
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { createConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Compression, UniversalHandler } from "@connectrpc/connect/protocol";
import { GRPCInferenceService } from "../../proto/gen/grpc_service_pb.ts";
import { Health } from "../../proto/gen/health_pb.ts";
import type { Engine, InferenceEngine } from "../engine.ts";
import { MAX_MESSAGE_SIZE } from "../grpc/framing.ts";
import { healthService } from "../grpc/health.ts";
import { Inferences } from "../grpc/inference.ts";
import { checkRestriction } from "../grpc/restricted.ts";
import { controlService, questionService } from "../grpc/service.ts";
import type { HttpAnswer, HttpHandler, HttpRequest } from "../http1/message.ts";
import type { RestrictedFeatures } from "../kserve/restricted.ts";
import type { RegionSource, SharedMemoryRegions } from "../kserve/shared_memory.ts";
import type { TraceSettings } from "../kserve/trace_settings.ts";
import { connectError, tritonErrors } from "./errors.ts";
import { answer, requestOf } from "./exchange.ts";
import { type InferenceService, inferenceService } from "./inference.ts";

/** What inferences and health work with, as for the other endpoints of an HTTP front end. */
export interface InferenceOptions {
  readonly engine: InferenceEngine;
  readonly restricted: RestrictedFeatures;
  /** Which headers are forwarded to models; undefined for none. */
  readonly headerPattern: RegExp | undefined;
  /** The limit on JSON and on what compressed messages grow to, in bytes. */
  readonly maxInputSize: number;
  readonly regions: RegionSource;
}

/** What all services work with. */
export interface RpcOptions extends InferenceOptions {
  readonly engine: Engine;
  readonly regions: SharedMemoryRegions;
  readonly traceSettings: TraceSettings;
}

/** The methods that Connect's clients may also call by GET, because they change nothing. */
const READING: ReadonlySet<string> = new Set([
  "ServerLive",
  "ServerReady",
  "ModelReady",
  "ServerMetadata",
  "ModelMetadata",
  "ModelConfig",
  "ModelStatistics",
  "RepositoryIndex",
  "SystemSharedMemoryStatus",
  "CudaSharedMemoryStatus",
  "Check",
]);

/** Methods by their paths, `/inference.GRPCInferenceService/ServerLive` and so on. */
export type RpcRoutes = ReadonlyMap<string, HttpHandler>;

/** All methods. */
export function rpcRoutes(options: RpcOptions): RpcRoutes {
  return routesOf(options, { ...controlService(options), ...inferences(options) });
}

/** Has the main thread answer a request; one that will be refused needs no body. */
export type ForwardingHandler = (
  request: HttpRequest,
  options?: { readonly withoutBody: boolean },
) => HttpAnswer;

/** All methods on a thread, which has `forward` answer those that it cannot answer by itself. */
export function rpcThreadRoutes(options: InferenceOptions, forward: ForwardingHandler): RpcRoutes {
  const own = { ...questionService(options.engine), ...inferences(options) };
  const forwarded = GRPCInferenceService.methods.map(({ parent, name }) => {
    const path = `/${parent.typeName}/${name}`;
    const handler: HttpHandler = (request) => {
      const header = (key: string) => request.header(key.toLowerCase());
      try {
        checkRestriction({ path, header }, options.restricted);
      } catch {
        // The main thread refuses it in the words of the protocol.
        return forward(request, { withoutBody: true });
      }
      return forward(request);
    };
    return [path, handler] as const;
  });
  return new Map([...forwarded, ...routesOf(options, own)]);
}

function inferences({ engine, headerPattern, regions }: InferenceOptions): InferenceService {
  return inferenceService(new Inferences(engine, headerPattern, regions));
}

function routesOf(
  { engine, maxInputSize, restricted }: InferenceOptions,
  inference: Partial<ServiceImpl<typeof GRPCInferenceService>>,
): RpcRoutes {
  const health = healthService(engine);
  const jsonLimit = Math.max(1, Math.min(maxInputSize, MAX_MESSAGE_SIZE));
  const handlers = (readMaxBytes: number) =>
    createConnectRouter({
      grpc: false,
      readMaxBytes,
      acceptCompression: [limitedGzip(jsonLimit)],
      interceptors: [tritonErrors],
      requestGate: gate(restricted),
    })
      .service(withReading(GRPCInferenceService), inference)
      .service(withReading(Health), health)
      .handlers;
  const binary = handlers(MAX_MESSAGE_SIZE);
  const json = handlers(jsonLimit);
  const built = (name: string) => name in inference || name in health;
  return new Map(
    binary.map((each, index) => [each.requestPath, byFormat(each, json[index])] as const)
      .filter((_, index) => built(binary[index].method.localName)),
  );
}

/** Has JSON, which takes many times its size in memory, answered within its own limit. */
function byFormat(binary: UniversalHandler, json: UniversalHandler): HttpHandler {
  return (request) => {
    const isJson = request.header("content-type")?.includes("json") ?? true;
    return answer(isJson ? json : binary, request);
  };
}

/** The service with the mark on its methods that Triton's `.proto` files do not have. */
function withReading<Service extends DescService>(service: Service): Service {
  const mark = (method: DescMethod): DescMethod => ({
    ...method,
    idempotency: READING.has(method.name) ? Idempotency.NO_SIDE_EFFECTS : method.idempotency,
  });
  return { ...service, methods: service.methods.map(mark) };
}

/** A small message may unpack to any size: it counts as JSON does. */
function limitedGzip(limit: number): Compression {
  // Only imported for the first such message, since it brings node:http2, which takes its time.
  const gzip = async () => (await import("@connectrpc/connect-node")).compressionGzip;
  return {
    name: "gzip",
    compress: async (bytes) => await (await gzip()).compress(bytes),
    decompress: async (bytes, max) => await (await gzip()).decompress(bytes, Math.min(max, limit)),
  };
}

/** Checks restrictions before the message is read. Names of HTTP headers have no case. */
function gate(restricted: RestrictedFeatures): (context: HandlerContext) => void {
  return ({ method, values }) => {
    const request = requestOf(values);
    try {
      checkRestriction({
        path: `/${method.parent.typeName}/${method.name}`,
        header: (name) => request.header(name.toLowerCase()),
      }, restricted);
    } catch (reason) {
      throw connectError(reason);
    }
  };
}
