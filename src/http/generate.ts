/**
 * Generation: `/v2/models/<model>/generate`, and `/generate_stream` with server-sent events.
 *
 * @module
 */
import type { Hono } from "hono";
import type { EngineRequest, EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { errorBody } from "../kserve/error_body.ts";
import { parseGenerate } from "../kserve/generate_request.ts";
import { encodeGenerate, serverSentEvent } from "../kserve/generate_response.ts";
import { parseInputSchema } from "../kserve/model_schema.ts";
import { Feature } from "../kserve/restricted.ts";
import {
  type Answer,
  endpoint,
  isBareEnd,
  modelTarget,
  parseVersion,
  readBody,
  type Service,
} from "./context.ts";
import { loadHeaders } from "./orca.ts";
import { MODEL } from "./paths.ts";
import type { Bytes } from "./responses.ts";

/** Adds `/v2/models/<model>/generate` and `/v2/models/<model>/generate_stream`. */
export function addGenerate(app: Hono, service: Service): void {
  const options = {
    feature: Feature.INFERENCE,
    methods: ["POST"],
    errors: "application/json",
  } as const;
  const add = (path: string, answer: Answer) => app.all(path, endpoint(service, options, answer));
  add(`${MODEL}/generate`, async (request, path) => {
    return await generate(service, request, await readGenerate(service, request, path));
  });
  add(`${MODEL}/generate_stream`, async (request, path) => {
    return await generateStream(service, request, await readGenerate(service, request, path));
  });
}

async function readGenerate(
  { engine, maxInputSize }: Service,
  request: Request,
  path: string,
): Promise<EngineRequest> {
  const target = modelTarget(path);
  const modelName = target.name;
  const modelVersion = parseVersion(target);
  const schema = parseInputSchema(engine.modelMetadataJson(modelName, modelVersion));
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "" && encoding !== "identity") {
    throw new TritonError(
      "INVALID_ARG",
      "Unsupported content-encoding, only 'identity' is supported.",
    );
  }
  return parseGenerate(await readBody(request), { modelName, modelVersion, schema, maxInputSize });
}

/** The one response of a model that makes exactly one. */
function generate(service: Service, request: Request, inference: EngineRequest): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const bodies: Bytes[] = [];
  let error: unknown;
  const call = service.engine.infer(inference, (response) => {
    if (!isBareEnd(response)) {
      try {
        bodies.push(encodeResponse(response));
      } catch (reason) {
        error ??= reason;
      }
    }
    response.release();
    if (!response.final) return;
    flight.end();
    if (error !== undefined) {
      reject(error);
    } else if (bodies.length === 1) {
      const headers = { "content-type": "application/json", ...loadHeaders(service, request) };
      resolve(new Response(bodies[0], { headers }));
    } else {
      reject(
        new TritonError(
          "INTERNAL",
          "generate expects model to produce exactly 1 response, use generate stream for model " +
            "that generates various number of responses",
        ),
      );
    }
  });
  const flight = service.inFlight.begin(request, () => call.cancel());
  return promise;
}

/** The JSON of a response; throws the error that it carries. */
function encodeResponse(response: EngineResponse): Bytes {
  if (response.error !== undefined) throw response.error;
  return encodeGenerate(response);
}

/**
 * The responses as events. Nothing is sent before the first one, whose success decides the status; a
 * client that goes away cancels the inference.
 */
function generateStream(
  service: Service,
  request: Request,
  inference: EngineRequest,
): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  let controller: ReadableStreamDefaultController<Bytes>;
  let isStarted = false;
  let isOver = false;
  const start = (status: number) => {
    if (isStarted) return;
    isStarted = true;
    const headers = {
      "content-type": "text/event-stream; charset=utf-8",
      ...loadHeaders(service, request),
    };
    resolve(new Response(stream, { status, headers }));
  };
  const stream = new ReadableStream<Bytes>({
    start(created) {
      controller = created;
    },
    cancel() {
      isOver = true;
      call.cancel();
    },
  });
  const call = service.engine.infer(inference, (response) => {
    if (!isBareEnd(response) && !isOver) {
      let body: Bytes;
      try {
        body = encodeResponse(response);
        start(200);
      } catch (reason) {
        body = errorBody(TritonError.from(reason).message);
        // Triton answers 400 whatever the code is.
        start(400);
      }
      controller.enqueue(serverSentEvent(body));
    }
    response.release();
    if (!response.final) return;
    flight.end();
    start(200);
    if (!isOver) controller.close();
    isOver = true;
  });
  const flight = service.inFlight.begin(request, () => {
    call.cancel();
    if (!isOver) controller.error(new Error("The stream was cut off."));
    isOver = true;
  });
  return promise;
}
