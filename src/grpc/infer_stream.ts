/**
 * ModelStreamInfer as a state machine: requests and events in, frames and one end out. It knows neither
 * HTTP/2 nor protobuf's encoding of requests.
 *
 * Responses of models that are not decoupled leave in the order of their requests; those of decoupled
 * models leave as they come. Responses wait in the server's memory, not as frames, until the client
 * takes them.
 *
 * @module
 */
import type { EngineCall, EngineResponse } from "../engine.ts";
import { TritonError } from "../errors.ts";
import { type Live, LiveSet } from "../live_set.ts";
import type { InferMessage } from "./infer_message.ts";
import { encodeStreamResponse } from "./infer_response.ts";
import { type Inference, type Inferences, wrongCount } from "./inference.ts";

/** Where a stream's output goes. */
export interface StreamSink {
  /** Takes a frame; false when no more should come before `InferStream.writable()`. */
  send(frame: Uint8Array): boolean;
  /** Ends the stream, with success unless there is an error. Called at most once. */
  finish(error?: TritonError): void;
  /** Asks to hold back further requests, or to let them come again. */
  pause(paused: boolean): void;
}

/** Something to send: a response of the server, or the refusal of a request. */
type Outgoing = Answer | Refusal;

interface Answer {
  readonly message: InferMessage;
  readonly inference: Inference;
  readonly response: EngineResponse;
  readonly running: Running;
}

interface Refusal {
  readonly message: InferMessage;
  readonly error: TritonError;
}

/** The place of a request among those whose responses must keep their order. */
interface Turn {
  /** What came for it before its turn. */
  readonly waiting: Outgoing[];
  /** True once nothing more comes. */
  complete: boolean;
}

/** Bytes of unsent tensors at which the client is held back, and below which it may go on. */
const PAUSE_AT = 64 << 20;
const RESUME_AT = 32 << 20;

/** The state of one stream. */
export class InferStream {
  readonly #inferences: Inferences;
  readonly #headers: readonly string[];
  readonly #sink: StreamSink;
  readonly #statusMode: boolean;
  readonly #maxWaiting: number;
  /** Oldest first. */
  readonly #turns: Turn[] = [];
  /** What may be sent, in this order. */
  readonly #ready: Outgoing[] = [];
  /** The bytes of the tensors in `#ready`. */
  #readySize = 0;
  /** What the server works on. */
  readonly #running = new LiveSet<Running>();
  #halfClosed = false;
  #finished = false;
  #writable = true;
  #paused = false;

  /**
   * `headers` are those of the stream, which may be forwarded with each request. With `statusMode`
   * (request metadata `triton_grpc_error: true`) the first failure of a model ends the stream with its
   * status. A model waits while `maxWaiting` of its responses to a request wait for the sink.
   */
  constructor(
    inferences: Inferences,
    headers: readonly string[],
    sink: StreamSink,
    statusMode: boolean,
    maxWaiting = Infinity,
  ) {
    this.#inferences = inferences;
    this.#headers = headers;
    this.#sink = sink;
    this.#statusMode = statusMode;
    this.#maxWaiting = maxWaiting;
  }

  /** Takes the next request. Its failure is answered on the stream, never thrown. */
  request(message: InferMessage): void {
    if (this.#finished) return;
    const turn: Turn = { waiting: [], complete: false };
    let decoupled = false;
    try {
      const lookup = this.#inferences.lookup(message);
      decoupled = lookup.decoupled;
      const inference = this.#inferences.prepare(message, lookup, this.#headers);
      const running: Running = { liveIndex: -1, waiting: 0, isHeld: false };
      running.call = inference.start((response) => {
        if (response.final) this.#running.delete(running);
        this.#respond({ message, inference, response, running }, turn);
      });
      this.#running.add(running);
      this.#holdModel(running);
      if (!decoupled) this.#turns.push(turn);
    } catch (reason) {
      const refusal = { message, error: TritonError.from(reason) };
      if (decoupled) this.#push(refusal);
      else this.#refuseInTurn(refusal);
    }
    this.#flush();
  }

  /** Answers `message` with `error` without looking at it. */
  refuse(message: InferMessage, error: TritonError): void {
    if (this.#finished) return;
    this.#refuseInTurn({ message, error });
    this.#flush();
  }

  /** No more requests come; the stream ends when those under way are answered. */
  end(): void {
    this.#halfClosed = true;
    this.#flush();
  }

  /** The client is gone: everything is cancelled and dropped. */
  cancel(): void {
    if (!this.#finished) this.#stop();
  }

  /** The sink takes frames again. */
  writable(): void {
    this.#writable = true;
    this.#flush();
  }

  #refuseInTurn(refusal: Refusal): void {
    this.#turns.push({ waiting: [refusal], complete: true });
    this.#advance();
  }

  #respond(answer: Answer, turn: Turn): void {
    if (this.#finished) {
      answer.response.release();
      return;
    }
    if (answer.inference.decoupled) {
      this.#push(answer);
    } else {
      turn.waiting.push(answer);
      turn.complete = answer.response.final;
      this.#advance();
    }
    this.#flush();
    this.#holdModel(answer.running);
  }

  /** Makes the oldest turns ready, as far as they are complete. */
  #advance(): void {
    while (this.#turns[0]?.complete) {
      const { waiting } = this.#turns.shift()!;
      this.#push(single(waiting));
    }
  }

  #push(outgoing: Outgoing): void {
    this.#ready.push(outgoing);
    this.#readySize += sizeOf(outgoing);
    if ("running" in outgoing) outgoing.running.waiting += 1;
  }

  #flush(): void {
    while (!this.#finished && this.#writable && this.#ready.length > 0) {
      const outgoing = this.#ready.shift()!;
      this.#readySize -= sizeOf(outgoing);
      this.#send(outgoing);
    }
    if (this.#finished) return;
    this.#hold();
    const idle = this.#running.size === 0 && this.#ready.length === 0 && this.#turns.length === 0;
    if (this.#halfClosed && idle) {
      this.#finished = true;
      this.#sink.finish();
    }
  }

  /** A client that does not read may not ask for more, and decoupled models wait for it. */
  #hold(): void {
    const paused = this.#readySize >= (this.#paused ? RESUME_AT : PAUSE_AT);
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#sink.pause(paused);
    for (const running of this.#running.all()) this.#holdModel(running);
  }

  /** Lets the model of a request wait or go on, when that has changed. */
  #holdModel(running: Running): void {
    const isHeld = this.#paused || running.waiting >= this.#maxWaiting;
    if (isHeld === running.isHeld || !this.#running.has(running)) return;
    running.isHeld = isHeld;
    running.call?.hold(isHeld);
  }

  #send(outgoing: Outgoing): void {
    if ("error" in outgoing) {
      const fields = { modelName: "", modelVersion: "", id: outgoing.message.id };
      this.#write(encodeStreamResponse(outgoing.error.message, fields));
      return;
    }
    const { running, response } = outgoing;
    running.waiting -= 1;
    try {
      this.#sendAnswer(outgoing);
    } finally {
      response.release();
    }
    if (running.isHeld) this.#holdModel(running);
  }

  /** Names and version come from the model's answer where it has one, else from the request. */
  #sendAnswer({ message, inference, response }: Answer): void {
    const final = response.final || !inference.decoupled;
    const { id, modelName, modelVersion } = message;
    const requestFields = { modelName, modelVersion, id, final };
    let frame: Uint8Array | undefined;
    try {
      if (response.error !== undefined) throw response.error;
      if (response.hasContent) {
        frame = encodeStreamResponse("", { ...inference.fields(response), final });
      } else if (inference.enableEmptyFinalResponse) {
        frame = encodeStreamResponse("", requestFields);
      }
    } catch (reason) {
      const error = TritonError.from(reason);
      if (this.#statusMode) {
        this.#stop();
        this.#sink.finish(error);
        return;
      }
      frame = encodeStreamResponse(error.message, requestFields);
    }
    if (frame !== undefined) this.#write(frame);
  }

  #write(frame: Uint8Array): void {
    this.#writable = this.#sink.send(frame);
  }

  /** Ends without another message; responses that are still to come are only released. */
  #stop(): void {
    this.#finished = true;
    for (const outgoing of this.#ready) release(outgoing);
    for (const { waiting } of this.#turns) for (const outgoing of waiting) release(outgoing);
    for (const { call } of this.#running.all()) call?.cancel();
  }
}

/** A request that the server has accepted and not answered for good. */
interface Running extends Live {
  call?: EngineCall;
  /** How many of its responses wait for the sink. */
  waiting: number;
  isHeld: boolean;
}

function release(outgoing: Outgoing): void {
  if ("response" in outgoing) outgoing.response.release();
}

function sizeOf(outgoing: Outgoing): number {
  if ("error" in outgoing) return 0;
  return outgoing.response.outputs.reduce((size, { data }) => size + data.length, 0);
}

/**
 * The one answer of a model that is not decoupled: its response, without the bare end mark that may
 * follow it. Any other number of responses is an error of the model.
 */
function single(waiting: readonly Outgoing[]): Outgoing {
  const answers = waiting.filter((outgoing) =>
    "error" in outgoing || outgoing.response.hasContent || outgoing.response.error !== undefined
  );
  const [answer] = answers;
  const unused = answers.length === 1 ? waiting.filter((other) => other !== answer) : waiting;
  for (const outgoing of unused) release(outgoing);
  if (answers.length === 1) return answer;
  return { message: waiting[0].message, error: wrongCount(answers.length) };
}
