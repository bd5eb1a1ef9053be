/**
 * Requests whose tensors lie in memory of the pool.
 *
 * @module
 */
import type { EngineRequest } from "../engine.ts";
import { giveMemory, LEAST_POOLED } from "../memory_pool.ts";

/** The request, which gives `memory` back, if it is of the pool, when the engine has released it. */
export function withMemory(request: EngineRequest, memory: Uint8Array): EngineRequest {
  if (memory.length < LEAST_POOLED) return request;
  const onReleased = () => {
    request.onReleased?.();
    giveMemory(memory);
  };
  return { ...request, onReleased };
}
