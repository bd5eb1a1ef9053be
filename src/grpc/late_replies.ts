/**
 * Replies that come late on purpose, for tests of the time-outs of clients.
 *
 * @module
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext, MethodImplSpec } from "@connectrpc/connect";

/** `spec` with a pause between what it does and its reply. */
export function lateReply(spec: MethodImplSpec, milliseconds: number): MethodImplSpec {
  if (milliseconds === 0 || spec.kind !== "unary") return spec;
  return {
    ...spec,
    async impl(request: MessageShape<DescMessage>, context: HandlerContext) {
      try {
        return await spec.impl(request, context);
      } finally {
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
      }
    },
  };
}
