/**
 * The two inference methods, as handlers of calls.
 *
 * @module
 */
import type { EngineCall, EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
import type { ServerCall } from "./call.ts";
import type { CompressionLevel } from "./compression.ts";
import { decodeInferMessage, type InferMessage } from "./infer_message.ts";
import { encodeInferResponse } from "./infer_response.ts";
import { InferStream } from "./infer_stream.ts";
import { type Inference, type Inferences, wrongCount } from "./inference.ts";
import { type CallHandler, takeOne } from "./rpc.ts";
import { SHUTTING_DOWN, statusOf, UNPARSABLE } from "./status.ts";

/** What the handlers of inferences share. */
export interface InferenceContext {
  readonly inferences: Inferences;
  readonly compression: CompressionLevel;
  /** How many responses to a request may wait for the client before its model has to. */
  readonly maxResponsePoolSize: number;
  /** True once no new inferences are taken. */
  stopping(): boolean;
}

/** ModelInfer: one request, one response. */
export function modelInferHandler(context: InferenceContext): CallHandler {
  return (call) => {
    call.compressResponses(context.compression);
    let running: EngineCall | undefined;
    call.listener = {
      ...takeOne(call, (bytes) => {
        const message = decode(bytes);
        if (message === undefined) {
          call.finish(UNPARSABLE);
          return;
        }
        try {
          running = infer(context.inferences, message, call);
        } catch (reason) {
          call.finish(statusOf(reason));
        }
      }),
      cancelled: () => running?.cancel(),
    };
  };
}

/** What an inference needs of its call. */
export type InferCall = Pick<ServerCall, "finished" | "headers" | "finish"> & {
  /** See {@link ServerCall.sendParts}. */
  sendParts(parts: readonly Uint8Array[], onTaken: () => void): void;
};

/** Begins the inference of `message`, which ends `call`. Throws what is refused at once. */
export function infer(
  inferences: Inferences,
  message: InferMessage,
  call: InferCall,
): EngineCall {
  const lookup = inferences.lookup(message);
  if (lookup.decoupled) {
    throw new TritonError(
      "UNSUPPORTED",
      "ModelInfer RPC doesn't support models with decoupled transaction policy",
    );
  }
  const inference = inferences.prepare(message, lookup, call.headers);
  const answers: EngineResponse[] = [];
  return inference.start((response) => {
    if (response.hasContent || response.error !== undefined) answers.push(response);
    else response.release();
    if (!response.final) return;
    answer(call, inference, answers);
  });
}

/**
 * Sends the response, or the error that stands for it; nothing if the client has gone. Releases the answers
 * when they have been sent.
 */
function answer(call: InferCall, inference: Inference, answers: readonly EngineResponse[]): void {
  const release = () => {
    for (const each of answers) each.release();
  };
  if (call.finished) return release();
  let parts: readonly Uint8Array[];
  try {
    if (answers.length !== 1) throw wrongCount(answers.length);
    const [response] = answers;
    if (response.error !== undefined) throw response.error;
    parts = encodeInferResponse(inference.fields(response));
  } catch (reason) {
    release();
    return call.finish(statusOf(reason));
  }
  call.sendParts(parts, release);
  call.finish();
}

/** ModelStreamInfer: any number of requests and responses. */
export function modelStreamInferHandler(context: InferenceContext): CallHandler {
  return (call) => {
    call.compressResponses(context.compression);
    const stream = new InferStream(
      context.inferences,
      call.headers,
      {
        send: (frame) => call.send(frame),
        finish: (error) => call.finish(error && statusOf(error)),
        pause: (paused) => call.pause(paused),
      },
      call.header("triton_grpc_error") === "true",
      context.maxResponsePoolSize,
    );
    let readable = true;
    call.listener = {
      message(bytes) {
        if (!readable) return;
        const message = decode(bytes);
        if (message === undefined) {
          // As if the client had ended its requests: Triton answers what it has and drops the rest.
          readable = false;
          stream.end();
        } else if (context.stopping()) {
          stream.refuse(message, SHUTTING_DOWN);
        } else {
          stream.request(message);
        }
      },
      end: () => stream.end(),
      cancelled: () => stream.cancel(),
      writable: () => stream.writable(),
    };
  };
}

function decode(bytes: Uint8Array | undefined): InferMessage | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decodeInferMessage(bytes);
  } catch {
    return undefined;
  }
}
