/**
 * The conformance service on this package's gRPC.
 *
 * @module
 */
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  ConnectError,
  createServiceImplSpec,
  type HandlerContext,
  type MethodImplSpec,
} from "@connectrpc/connect";
import type { ServerCall } from "../../src/grpc/call.ts";
import { CallContext } from "../../src/grpc/call_context.ts";
import { acceptStream, type CallHandler, connectHandler, encodeFrame } from "../../src/grpc/rpc.ts";
import { statusOf, UNPARSABLE } from "../../src/grpc/status.ts";
import type { Fields, GrpcStream, StreamReceiver } from "../../src/grpc/transport.ts";
import { conformanceService } from "./connect_service.ts";
import { ConformanceService, RpcStatusSchema } from "./proto/gen/conformance_pb.ts";

const { methods } = createServiceImplSpec<typeof ConformanceService>(
  ConformanceService,
  conformanceService,
);
const specs = new Map(
  Object.values(methods).map((spec) => [
    `/${ConformanceService.typeName}/${spec.method.name}`,
    spec,
  ]),
);

/** Serves a stream. */
export function serveConformance(stream: GrpcStream): StreamReceiver {
  const labelled = new LabelledStream(stream);
  return acceptStream(labelled, {
    handler(path) {
      const spec = specs.get(path);
      return spec && handlerOf(spec, labelled);
    },
    opened: (call) => call.compressResponses("low"),
    closed() {},
  });
}

/** A stream that adds metadata to what gRPC sends, which for Triton's services has none. */
class LabelledStream implements GrpcStream {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly header = new Headers();
  readonly trailer = new Headers();
  readonly #stream: GrpcStream;

  constructor(stream: GrpcStream) {
    this.#stream = stream;
    this.method = stream.method;
    this.path = stream.path;
    this.headers = stream.headers;
  }

  respond(fields: Fields, end: boolean): void {
    const header = Object.fromEntries(this.header);
    if (!end) return this.#stream.respond({ ...fields, ...header }, false);
    // What belongs into the header cannot come together with a status.
    const { "grpc-status": code, "grpc-message": message, ...head } = fields;
    this.#stream.respond({ ...head, ...header }, false);
    this.trailers({
      "grpc-status": code,
      ...(message === undefined ? {} : { "grpc-message": message }),
    });
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.write(chunk);
  }

  trailers(fields: Fields): void {
    this.#stream.trailers({ ...fields, ...Object.fromEntries(this.trailer) });
  }

  reset(code: number): void {
    this.#stream.reset(code);
  }

  pause(paused: boolean): void {
    this.#stream.pause(paused);
  }
}

function handlerOf(spec: MethodImplSpec, stream: LabelledStream): CallHandler {
  const contextOf = (context: HandlerContext) =>
    ({
      requestHeader: context.requestHeader,
      responseHeader: stream.header,
      responseTrailer: stream.trailer,
      timeoutMs: context.timeoutMs,
    }) as HandlerContext;
  switch (spec.kind) {
    case "unary":
      return connectHandler({
        ...spec,
        impl: async (request: Message, context: HandlerContext) => {
          try {
            return await spec.impl(request, contextOf(context));
          } catch (reason) {
            throw withDetails(reason, stream);
          }
        },
      });
    case "server_streaming":
      return connectHandler({
        ...spec,
        async *impl(request: Message, context: HandlerContext) {
          try {
            yield* spec.impl(request, contextOf(context));
          } catch (reason) {
            throw withDetails(reason, stream);
          }
        },
      });
    case "client_streaming":
      return streamHandler(spec, stream, async function* (requests, context) {
        yield await spec.impl(requests, contextOf(context));
      });
    case "bidi_streaming":
      return streamHandler(spec, stream, (requests, context) => {
        return spec.impl(requests, contextOf(context));
      });
  }
}

/** The details of an error go into a trailer. */
function withDetails(reason: unknown, stream: LabelledStream): unknown {
  if (!(reason instanceof ConnectError)) return reason;
  const details = reason.details.map((detail) => {
    if (!("type" in detail)) throw new Error("a detail that did not come from the wire");
    return { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value };
  });
  const { code, rawMessage: message } = reason;
  const status = toBinary(RpcStatusSchema, create(RpcStatusSchema, { code, message, details }));
  stream.trailer.set("grpc-status-details-bin", status.toBase64({ omitPadding: true }));
  return reason;
}

/** Methods that take a stream, as ModelStreamInfer does by itself. */
function streamHandler(
  { method }: MethodImplSpec,
  stream: LabelledStream,
  // deno-lint-ignore no-explicit-any
  answer: (requests: AsyncIterable<any>, context: HandlerContext) => AsyncIterable<any>,
): CallHandler {
  return (call: ServerCall) => {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const context = new CallContext(method, call);
    call.listener = {
      message(bytes) {
        if (bytes === undefined) call.finish(UNPARSABLE);
        else void writer.write(fromBinary(method.input, bytes.slice())).catch(() => {});
      },
      end: () => void writer.close().catch(() => {}),
      cancelled: () => context.cancel(),
    };
    const run = async () => {
      for await (const reply of answer(readable, context)) {
        call.send(encodeFrame(method.output, create(method.output, reply)));
      }
    };
    run().then(
      () => call.finish(),
      (reason) => call.finish(statusOf(withDetails(reason, stream))),
    );
  };
}
