/**
 * The service that Connect's conformance runner calls: each request says what its response shall be, and
 * the response tells what came of the request.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { sleep } from "../support/real_server.ts";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  type Error as WireError,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./proto/gen/conformance_pb.ts";
import { create } from "@bufbuild/protobuf";

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;

/** What the service needs of a call. */
export type ConformanceContext = Pick<
  HandlerContext,
  "requestHeader" | "responseHeader" | "responseTrailer" | "timeoutMs"
>;

/** See the module. */
export const conformanceService: ServiceImpl<typeof ConformanceService> = {
  async unary(request, context) {
    const requests = [anyPack(UnaryRequestSchema, request)];
    return { payload: await onePayload(request.responseDefinition, requests, context) };
  },
  async idempotentUnary(request, context) {
    const requests = [anyPack(IdempotentUnaryRequestSchema, request)];
    return { payload: await onePayload(request.responseDefinition, requests, context) };
  },
  async clientStream(stream, context) {
    const requests: Any[] = [];
    let definition: UnaryResponseDefinition | undefined;
    for await (const request of stream) {
      if (requests.length === 0) definition = request.responseDefinition;
      requests.push(anyPack(ClientStreamRequestSchema, request));
    }
    return { payload: await onePayload(definition, requests, context) };
  },
  async *serverStream(request, context) {
    const requests = [anyPack(ServerStreamRequestSchema, request)];
    const answers = new Answers(request.responseDefinition, context);
    while (answers.hasMore) yield { payload: await answers.next(requests) };
    answers.end(requests);
  },
  async *bidiStream(stream, context) {
    let answers: Answers | undefined;
    let isFullDuplex = false;
    let requests: Any[] = [];
    for await (const request of stream) {
      if (answers === undefined) {
        answers = new Answers(request.responseDefinition, context);
        isFullDuplex = request.fullDuplex;
      }
      requests.push(anyPack(BidiStreamRequestSchema, request));
      if (!isFullDuplex) continue;
      if (!answers.hasMore) break;
      yield { payload: await answers.next(requests, true) };
      requests = [];
    }
    while (answers?.hasMore) yield { payload: await answers.next(requests) };
    answers?.end(requests);
  },
};

/** The responses that a definition asks for, one after the other. */
class Answers {
  readonly #definition: StreamResponseDefinition | undefined;
  readonly #context: ConformanceContext;
  #count = 0;

  constructor(definition: StreamResponseDefinition | undefined, context: ConformanceContext) {
    this.#definition = definition;
    this.#context = context;
    setMetadata(definition, context);
  }

  get hasMore(): boolean {
    return this.#count < (this.#definition?.responseData.length ?? 0);
  }

  /** The first one tells of the whole request; with `each`, the others of the `requests` since then. */
  async next(requests: readonly Any[], each = false): Promise<Payload> {
    const { responseData, responseDelayMs } = this.#definition!;
    const isFirst = this.#count === 0;
    const data = responseData[this.#count++];
    const requestInfo = isFirst
      ? infoOf(requests, this.#context)
      : each
      ? create(ConformancePayload_RequestInfoSchema, { requests: [...requests] })
      : undefined;
    await sleep(responseDelayMs);
    return { data, requestInfo };
  }

  /** Throws if the definition ends with an error; it tells of the request if no response did. */
  end(requests: readonly Any[]): void {
    const error = this.#definition?.error;
    if (error === undefined) return;
    throw errorOf(error, this.#count === 0 ? infoOf(requests, this.#context) : undefined);
  }
}

async function onePayload(
  definition: UnaryResponseDefinition | undefined,
  requests: readonly Any[],
  context: ConformanceContext,
): Promise<Payload> {
  setMetadata(definition, context);
  const requestInfo = infoOf(requests, context);
  await sleep(definition?.responseDelayMs ?? 0);
  const { case: kind, value } = definition?.response ?? {};
  if (kind === "error") throw errorOf(value as WireError, requestInfo);
  return { requestInfo, data: value as Uint8Array | undefined };
}

function setMetadata(
  definition: Pick<UnaryResponseDefinition, "responseHeaders" | "responseTrailers"> | undefined,
  { responseHeader, responseTrailer }: ConformanceContext,
): void {
  const append = (target: Headers, headers: readonly Header[] = []) => {
    for (const { name, value } of headers) for (const each of value) target.append(name, each);
  };
  append(responseHeader, definition?.responseHeaders);
  append(responseTrailer, definition?.responseTrailers);
}

function infoOf(
  requests: readonly Any[],
  { requestHeader, timeoutMs }: ConformanceContext,
): ConformancePayload_RequestInfo {
  const timeout = timeoutMs();
  return create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: Array.from(requestHeader, ([name, value]) => ({ name, value: [value] })),
    timeoutMs: timeout === undefined ? undefined : BigInt(Math.trunc(timeout)),
    requests: [...requests],
  });
}

function errorOf(error: WireError, info: ConformancePayload_RequestInfo | undefined): ConnectError {
  const details = [...error.details];
  if (info !== undefined) details.push(anyPack(ConformancePayload_RequestInfoSchema, info));
  const thrown = new ConnectError(error.message ?? "", error.code as number);
  thrown.details = details.map(({ typeUrl, value }) => {
    return { type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value };
  });
  return thrown;
}
