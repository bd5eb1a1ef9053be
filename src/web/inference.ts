/**
 * ModelInfer and ModelStreamInfer as a Connect service.
 *
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type GRPCInferenceService,
  type ModelInferRequest,
  type ModelInferResponse,
  ModelInferResponseSchema,
  type ModelStreamInferResponse,
  ModelStreamInferResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import { joined, PREFIX_SIZE } from "../grpc/framing.ts";
import { InferStream } from "../grpc/infer_stream.ts";
import type { Inferences } from "../grpc/inference.ts";
import { infer } from "../grpc/model_infer.ts";
import { connectError, statusError } from "./errors.ts";
import { requestOf } from "./exchange.ts";

/** The two methods; they throw Connect's errors or Triton's. */
export type InferenceService = Pick<
  ServiceImpl<typeof GRPCInferenceService>,
  "modelInfer" | "modelStreamInfer"
>;

/** The two methods over what the front end has for inferences. */
export function inferenceService(inferences: Inferences): InferenceService {
  return {
    modelInfer: (request, context) => modelInfer(inferences, request, context),
    modelStreamInfer: (requests, context) => modelStreamInfer(inferences, requests, context),
  };
}

function modelInfer(
  inferences: Inferences,
  request: ModelInferRequest,
  context: HandlerContext,
): Promise<ModelInferResponse> {
  const { signal } = context;
  const { promise, resolve, reject } = Promise.withResolvers<ModelInferResponse>();
  const call = {
    finished: false,
    headers: metadata(context),
    sendParts(parts: readonly Uint8Array[], onTaken: () => void) {
      resolve(fromBinary(ModelInferResponseSchema, joined(parts).subarray(PREFIX_SIZE)));
      onTaken();
    },
    finish(status?: Parameters<typeof statusError>[0]) {
      call.finished = true;
      signal.removeEventListener("abort", cancel);
      if (status !== undefined) reject(statusError(status));
    },
  };
  const running = infer(inferences, request, call);
  const cancel = () => {
    call.finished = true;
    running.cancel();
    reject(connectError(signal.reason));
  };
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel);
  return promise;
}

/** Takes all requests that there are while responses go out one by one, each when it is asked for. */
async function* modelStreamInfer(
  inferences: Inferences,
  requests: AsyncIterable<ModelInferRequest>,
  context: HandlerContext,
): AsyncGenerator<ModelStreamInferResponse> {
  const { signal } = context;
  const headers = metadata(context);
  const outbox = new Outbox();
  const isStatusWanted = requestOf(context.values).header("triton_grpc_error") === "true";
  const stream = new InferStream(inferences, headers, outbox, isStatusWanted);
  const leave = () => outbox.finish(signal.reason);
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  feed(stream, requests, outbox);
  try {
    for (;;) {
      const frame = await outbox.next();
      if (frame === undefined) return;
      yield fromBinary(ModelStreamInferResponseSchema, frame.subarray(PREFIX_SIZE));
      stream.writable();
    }
  } finally {
    signal.removeEventListener("abort", leave);
    outbox.finish();
    stream.cancel();
  }
}

async function feed(
  stream: InferStream,
  requests: AsyncIterable<ModelInferRequest>,
  outbox: Outbox,
): Promise<void> {
  try {
    for await (const request of requests) {
      stream.request(request);
      await outbox.room();
      if (outbox.isFinished) return;
    }
    stream.end();
  } catch (reason) {
    outbox.finish(reason);
  }
}

/** Where a stream's frames wait to be taken, one at a time. */
class Outbox {
  isFinished = false;
  #frame: Uint8Array | undefined;
  #reason: unknown;
  #isPaused = false;
  #wake = () => {};
  #resume = () => {};

  /** Takes a frame; the stream keeps the others until this one has gone out. */
  send(frame: Uint8Array): boolean {
    this.#frame = frame.slice();
    this.#wake();
    return false;
  }

  /** Nothing more comes: the end, or the failure that `reason` tells of. */
  finish(reason?: unknown): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.#reason = reason;
    this.#wake();
    this.#resume();
  }

  /** Holds further requests back, or lets them come. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#resume();
  }

  /** Resolves when another request may come. */
  async room(): Promise<void> {
    if (this.#isPaused && !this.isFinished) {
      await new Promise<void>((resolve) => this.#resume = resolve);
    }
  }

  /** The next frame, undefined at the end. Rejects with the failure. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#frame === undefined && !this.isFinished) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const frame = this.#frame;
    this.#frame = undefined;
    if (frame === undefined && this.#reason !== undefined) throw this.#reason;
    return frame;
  }
}

/** Names, in lower case as gRPC has them, and values in turn. */
function metadata({ values }: HandlerContext): readonly string[] {
  return requestOf(values).fields.flatMap(([name, value]) => [name.toLowerCase(), value]);
}
