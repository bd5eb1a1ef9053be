/**
 * The methods that a gRPC front end serves, by their paths.
 *
 * @module
 */
import { createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { GRPCInferenceService } from "../../proto/gen/grpc_service_pb.ts";
import { Health } from "../../proto/gen/health_pb.ts";
import type { InferenceEngine } from "../engine.ts";
import type { RegionSource } from "../kserve/shared_memory.ts";
import { type Forwarder, forwardingHandler } from "./forwarding.ts";
import { healthService } from "./health.ts";
import { Inferences } from "./inference.ts";
import { lateReply } from "./late_replies.ts";
import { modelInferHandler, modelStreamInferHandler } from "./model_infer.ts";
import type { ResolvedOptions } from "./options.ts";
import { reflectionHandler } from "./reflection.ts";
import { type CallHandler, connectHandler } from "./rpc.ts";
import {
  type ControlContext,
  type ControlService,
  controlService,
  questionService,
} from "./service.ts";

/** Handlers by the paths of their methods. */
export type Handlers = ReadonlyMap<string, CallHandler>;

const SERVICE = `/${GRPCInferenceService.typeName}/`;

/** What inferences work on. */
export interface InferenceSources {
  readonly engine: InferenceEngine;
  readonly regions: RegionSource;
  /** True once no new inferences are taken. */
  stopping(): boolean;
}

/** All methods; what is not an inference works on `control`. */
export function allHandlers(
  sources: InferenceSources,
  control: ControlContext,
  options: ResolvedOptions,
): Handlers {
  return new Map([
    ...serviceHandlers(controlService(control), options),
    ...inferenceHandlers(sources, options),
  ]);
}

/** The methods that a thread answers by itself, and the others forwarded. */
export function threadHandlers(
  sources: InferenceSources,
  forward: Forwarder,
  options: ResolvedOptions,
): Handlers {
  const forwarding = forwardingHandler(forward);
  return new Map([
    ...GRPCInferenceService.methods.map(({ name }) => [SERVICE + name, forwarding] as const),
    ...serviceHandlers(questionService(sources.engine), options),
    ...inferenceHandlers(sources, options),
  ]);
}

/** The methods that `service` has. */
function serviceHandlers(
  service: Partial<ControlService>,
  { replyDelayMs }: ResolvedOptions,
): [string, CallHandler][] {
  const spec = createServiceImplSpec<typeof GRPCInferenceService>(GRPCInferenceService, service);
  const methods = Object.entries(spec.methods).filter(([name]) => name in service);
  return connectHandlers({ ...spec, methods: Object.fromEntries(methods) }, replyDelayMs);
}

/** Inferences, health and reflection: what needs nothing but an engine. */
function inferenceHandlers(
  { engine, regions, stopping }: InferenceSources,
  options: ResolvedOptions,
): [string, CallHandler][] {
  const { headerPattern, inferCompressionLevel, maxResponsePoolSize, replyDelayMs } = options;
  const context = {
    inferences: new Inferences(engine, headerPattern, regions),
    compression: inferCompressionLevel,
    maxResponsePoolSize,
    stopping,
  };
  const health = createServiceImplSpec<typeof Health>(Health, healthService(engine));
  const reflection = reflectionHandler();
  return [
    ...connectHandlers(health, replyDelayMs),
    [`${SERVICE}ModelInfer`, modelInferHandler(context)],
    [`${SERVICE}ModelStreamInfer`, modelStreamInferHandler(context)],
    ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", reflection],
    ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", reflection],
  ];
}

function connectHandlers(
  { service, methods }: ServiceImplSpec,
  replyDelayMs: number,
): [string, CallHandler][] {
  return Object.values(methods).map((spec) => [
    `/${service.typeName}/${spec.method.name}`,
    connectHandler(lateReply(spec, replyDelayMs)),
  ]);
}
