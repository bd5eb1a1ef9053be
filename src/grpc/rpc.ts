/**
 * From streams to calls: checks that every request must pass, and the two shapes of methods that are
 * implemented as Connect services.
 *
 * @module
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodImplSpec } from "@connectrpc/connect";
import { type CallListener, ServerCall } from "./call.ts";
import { CallContext } from "./call_context.ts";
import { requestEncoding } from "./compression.ts";
import { PREFIX_SIZE } from "./framing.ts";
import { StatusCode, statusFields, statusOf, UNPARSABLE } from "./status.ts";
import type { GrpcStream, StreamReceiver } from "./transport.ts";

/** Takes a call: sets its listener, or finishes it. May throw what becomes its status. */
export type CallHandler = (call: ServerCall) => void;

/** HTTP/2's INTERNAL_ERROR, with which gRPC's C++ core refuses what is not gRPC. */
const INTERNAL_ERROR = 2;

/** A stream that was answered at once: whatever else comes is dropped. */
const DEAF: StreamReceiver = { data() {}, end() {}, aborted() {}, drained() {} };

/** What one server does with its calls. */
export interface CallTable {
  /** The handler of a method by its path; undefined when there is none. */
  handler(path: string): CallHandler | undefined;
  /** Told of each call as it begins; may throw what becomes its status. */
  opened(call: ServerCall): void;
  /** Told of each call as it ends. */
  closed(call: ServerCall): void;
}

/** Makes a call of a new stream, as gRPC's C++ core would, and hands it to its handler. */
export function acceptStream(stream: GrpcStream, table: CallTable): StreamReceiver {
  if (stream.method !== "POST") {
    stream.respond(
      {
        ":status": "200",
        "content-type": "application/grpc",
        ...statusFields({ code: StatusCode.UNKNOWN, message: "Bad method header" }),
      },
      true,
    );
    return DEAF;
  }
  const fields = firstValues(stream);
  const encoding = requestEncoding(fields.encoding);
  if (!isGrpc(fields.contentType) || encoding === null) {
    stream.reset(INTERNAL_ERROR);
    return DEAF;
  }
  const call: ServerCall = new ServerCall(stream, encoding, () => table.closed(call));
  const handler = table.handler(stream.path);
  if (handler === undefined) {
    call.finish({ code: StatusCode.UNIMPLEMENTED, message: "" });
    return call;
  }
  try {
    table.opened(call);
    handler(call);
  } catch (reason) {
    call.finish(statusOf(reason));
  }
  return call;
}

function firstValues({ headers }: GrpcStream): { contentType?: string; encoding?: string } {
  let contentType: string | undefined;
  let encoding: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === "content-type") contentType ??= headers[i + 1];
    else if (headers[i] === "grpc-encoding") encoding ??= headers[i + 1];
  }
  return { contentType, encoding };
}

/**
 * gRPC-Web and Connect have other content types; this port speaks neither. One that is missing or empty
 * is let pass, as by gRPC's core.
 */
function isGrpc(contentType = ""): boolean {
  return /^(application\/grpc($|[+;])|$)/.test(contentType);
}

/** The bytes of `message` behind free space for the prefix. */
export function encodeFrame<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Uint8Array {
  const bytes = toBinary(schema, message);
  const frame = new Uint8Array(PREFIX_SIZE + bytes.length);
  frame.set(bytes, PREFIX_SIZE);
  return frame;
}

/**
 * The first message of a request, for methods that take one. Like Triton, the call does not wait for
 * the end of the request, and ignores further messages.
 */
export function takeOne(
  call: ServerCall,
  use: (bytes: Uint8Array) => void,
): Pick<CallListener, "message" | "end"> {
  let taken = false;
  return {
    message(bytes) {
      if (taken) return;
      taken = true;
      if (bytes === undefined) call.finish(UNPARSABLE);
      else use(bytes);
    },
    end() {
      if (!taken) call.finish(UNPARSABLE);
    },
  };
}

/** Handles the calls of a method that is implemented as a Connect service, unary or server streaming. */
export function connectHandler(spec: MethodImplSpec): CallHandler {
  return (call) => {
    const context = new CallContext(spec.method, call);
    call.listener = {
      ...takeOne(call, (bytes) => {
        let message: MessageShape<DescMessage>;
        try {
          // The message may refer to its bytes, which are not its own.
          message = fromBinary(spec.method.input, bytes.slice());
        } catch {
          call.finish(UNPARSABLE);
          return;
        }
        invoke(spec, message, call, context)
          .then(() => call.finish(), (reason) => call.finish(statusOf(reason)));
      }),
      cancelled: () => context.cancel(),
    };
  };
}

async function invoke(
  spec: MethodImplSpec,
  message: MessageShape<DescMessage>,
  call: ServerCall,
  context: CallContext,
): Promise<void> {
  const { output } = spec.method;
  if (spec.kind === "unary") {
    call.send(encodeFrame(output, create(output, await spec.impl(message, context))));
  } else if (spec.kind === "server_streaming") {
    for await (const reply of spec.impl(message, context)) {
      if (call.finished) return;
      call.send(encodeFrame(output, create(output, reply)));
    }
  }
}
