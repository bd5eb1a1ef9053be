/**
 * From Triton's errors to Connect's, with the codes and texts of the gRPC front end.
 *
 * @module
 */
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { type RpcStatus, statusOf } from "../grpc/status.ts";

/** The error for whatever an implementation threw. */
export function connectError(reason: unknown): ConnectError {
  return reason instanceof ConnectError ? reason : statusError(statusOf(reason), reason);
}

/** The error for a status. */
export function statusError({ code, message }: RpcStatus, cause?: unknown): ConnectError {
  return new ConnectError(message, code, undefined, undefined, cause);
}

/** Has the implementations behind it throw Connect's errors. */
export const tritonErrors: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: translated(response.message) } : response;
  } catch (reason) {
    throw connectError(reason);
  }
};

async function* translated<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (reason) {
    throw connectError(reason);
  }
}
