/**
 * Loads one gRPC stream: keeps requests in flight and counts the responses. Speaks HTTP/2 by itself, since
 * a client that costs more than the server would be what is measured. Started by programs.ts with a
 * StreamLoad as its argument.
 *
 * @module
 */
import { connect } from "node:net";
import process from "node:process";
import { floats, framed, inferMessage } from "./bodies.ts";
import { percentiles, type StreamLoad } from "./programs.ts";

const { port, seconds, inFlight, responses } = JSON.parse(process.argv[2]) as StreamLoad;

const DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8;
const ACK = 1, END_STREAM = 1, END_HEADERS = 4;
const STREAM = 1;
const WINDOW = 0x7fff0000;
/** Credit is given back in steps of this many bytes. */
const STEP = 1 << 20;

const model = responses === 1 ? "echo" : "echo_stream";
const parameters: Record<string, number> = responses === 1 ? {} : { responses };
const request = frame(DATA, 0, STREAM, framed(inferMessage(model, floats(16), parameters)));

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  bytes[4] = flags;
  view.setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A header block of literals that are not indexed. */
function headerBlock(fields: readonly (readonly [string, string])[]): Uint8Array {
  const bytes: number[] = [];
  const put = (text: string) => {
    const encoded = new TextEncoder().encode(text);
    bytes.push(encoded.length, ...encoded);
  };
  for (const [name, value] of fields) {
    bytes.push(0);
    put(name);
    put(value);
  }
  return Uint8Array.from(bytes);
}

const socket = connect({ port, host: "127.0.0.1", noDelay: true });
const started: number[] = [];
const times: number[] = [];
let sendWindow = 65535;
let credit = 0;
let got = 0;
let waiting = inFlight;
let end = Infinity;

/** Sends the requests that may be in flight, as far as the server takes them. */
function send(): void {
  const batch: Uint8Array[] = [];
  for (; waiting > 0 && sendWindow >= request.length - 9; waiting--) {
    sendWindow -= request.length - 9;
    started.push(performance.now());
    batch.push(request);
  }
  for (const each of batch) socket.write(each);
}

/** The bytes of a message that have not come yet, with its prefix; 0 between messages. */
let missing = 0;
let prefix: number[] = [];

/** Counts the messages in a part of the stream. */
function messages(bytes: Uint8Array, start: number, stop: number): void {
  for (let at = start; at < stop;) {
    if (missing === 0) {
      prefix.push(bytes[at++]);
      if (prefix.length < 5) continue;
      missing = (prefix[1] << 24 | prefix[2] << 16 | prefix[3] << 8 | prefix[4]) >>> 0;
      prefix = [];
      if (missing === 0) response();
      continue;
    }
    const taken = Math.min(missing, stop - at);
    missing -= taken;
    at += taken;
    if (missing === 0) response();
  }
}

function response(): void {
  if (++got % responses !== 0) return;
  const now = performance.now();
  times.push(now - (started[times.length] ?? now));
  waiting++;
}

let rest = new Uint8Array(0);

socket.on("connect", () => {
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  // INITIAL_WINDOW_SIZE, and as much for the connection.
  const settings = new Uint8Array(6);
  settings[1] = 4;
  settings.set(number(WINDOW), 2);
  socket.write(frame(SETTINGS, 0, 0, settings));
  socket.write(frame(WINDOW_UPDATE, 0, 0, number(WINDOW - 65535)));
  socket.write(frame(
    HEADERS,
    END_HEADERS,
    STREAM,
    headerBlock([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", "/inference.GRPCInferenceService/ModelStreamInfer"],
      [":authority", `127.0.0.1:${port}`],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ]),
  ));
  send();
});

socket.on("data", (data) => {
  let bytes = data as Uint8Array;
  if (rest.length > 0) {
    const joined = new Uint8Array(rest.length + bytes.length);
    joined.set(rest);
    joined.set(bytes, rest.length);
    bytes = joined;
  }
  let at = 0;
  while (at + 9 <= bytes.length) {
    const size = bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
    const stop = at + 9 + size;
    if (stop > bytes.length) break;
    take(bytes[at + 3], bytes[at + 4], bytes, at, stop);
    at = stop;
  }
  rest = bytes.slice(at);
  if (performance.now() > end) finish();
  else send();
});

function take(type: number, flags: number, bytes: Uint8Array, at: number, stop: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  if (type === DATA) {
    messages(bytes, at + 9, stop);
    credit += stop - at - 9;
    if (credit < STEP) return;
    socket.write(frame(WINDOW_UPDATE, 0, 0, number(credit)));
    socket.write(frame(WINDOW_UPDATE, 0, STREAM, number(credit)));
    credit = 0;
  } else if (type === HEADERS && (flags & END_STREAM) !== 0) {
    console.error("the server has ended the stream");
    process.exit(1);
  } else if (type === SETTINGS && (flags & ACK) === 0) {
    socket.write(frame(SETTINGS, ACK, 0, new Uint8Array(0)));
  } else if (type === PING && (flags & ACK) === 0) {
    socket.write(frame(PING, ACK, 0, bytes.slice(at + 9, stop)));
  } else if (type === WINDOW_UPDATE && view.getUint32(5) === 0) {
    sendWindow += view.getUint32(9);
  }
}

function finish(): void {
  const rate = times.length / seconds;
  console.log(`MEASURED ${JSON.stringify({ rate, ...percentiles(times, 1) })}`);
  process.exit(0);
}

socket.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

// The first answers are not counted: the server has to get going.
setTimeout(() => {
  started.splice(0, times.length);
  times.length = 0;
  end = performance.now() + seconds * 1000;
}, 200);
setTimeout(() => process.exit(1), (seconds + 10) * 1000);
