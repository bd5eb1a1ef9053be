/**
 * The conformance service for gRPC-Web and Connect over this package's HTTP/1.1.
 *
 * @module
 */
import { createRegistry } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { createConnectRouter } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { HttpHandler } from "../../src/http1/message.ts";
import { answer } from "../../src/web/exchange.ts";
import { conformanceService } from "./connect_service.ts";
import { ConformanceService, file_conformance } from "./proto/gen/conformance_pb.ts";

const service = {
  ...ConformanceService,
  methods: ConformanceService.methods.map((method) => ({
    ...method,
    idempotency: method.name === "IdempotentUnary"
      ? Idempotency.NO_SIDE_EFFECTS
      : method.idempotency,
  })),
} as typeof ConformanceService;

const { handlers } = createConnectRouter({
  grpc: false,
  acceptCompression: [compressionGzip],
  // Details of errors are of these types.
  jsonOptions: { registry: createRegistry(file_conformance) },
})
  .service(service, conformanceService);
const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));

/** Answers a request. */
export const answerConformance: HttpHandler = (request) => {
  const handler = byPath.get(request.path);
  return handler === undefined
    ? { status: 404, fields: [], body: new Uint8Array(0) }
    : answer(handler, request);
};
