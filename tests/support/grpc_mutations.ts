/**
 * gRPC calls made wrong, within HTTP/2 that is right: their framing, and their messages.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { frameOf } from "../../src/grpc/framing.ts";
import { Flag, FrameType, PREFACE } from "../../src/grpc/h2/frames.ts";
import type { GrpcSeed } from "./grpc_seeds.ts";
import { callHead } from "./h2_client.ts";
import type { H2Mutant } from "./h2_exchange.ts";
import { flipped } from "./h2_mutations.ts";
import { frame, join } from "./h2_peer.ts";
import type { Random } from "./random.ts";
import { concat } from "./wire.ts";

/** Makes a call wrong in one way. */
export type GrpcMutation = (seed: GrpcSeed, random: Random) => H2Mutant;

/** A frame's payload. */
const PIECE = 16_000;

/** A connection with one call that sends `body`, in frames of `size` bytes. */
function sent(
  seed: GrpcSeed,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  size = PIECE,
): H2Mutant {
  const head = callHead(seed.path, { ...seed.headers, ...headers });
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length || at === 0; at += size) {
    const isLast = at + size >= body.length;
    const flags = isLast ? Flag.END_STREAM : 0;
    pieces.push(frame(FrameType.DATA, flags, 1, body.subarray(at, at + size)));
  }
  return {
    bytes: join([
      PREFACE,
      frame(FrameType.SETTINGS, 0, 0),
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, head),
      ...pieces,
    ]),
  };
}

/** The seed's messages as a body. */
function bodyOf({ messages }: GrpcSeed): Uint8Array {
  return concat(messages.map((message) => frameOf(message, false)));
}

/** The seed with one of its messages changed. */
function withMessage(
  seed: GrpcSeed,
  random: Random,
  change: (message: Uint8Array) => Uint8Array,
): H2Mutant {
  const at = random.below(seed.messages.length);
  const messages = seed.messages.map((each, index) => index === at ? change(each) : each);
  return sent(seed, bodyOf({ ...seed, messages }));
}

/** `message` with some bytes in place of `count` of its own. */
function replaced(message: Uint8Array, at: number, count: number, bytes: Uint8Array): Uint8Array {
  return concat([message.subarray(0, at), bytes, message.subarray(at + count)]);
}

function withLength(seed: GrpcSeed, length: number): H2Mutant {
  const body = bodyOf(seed).slice();
  body.set([length >>> 24, length >>> 16, length >>> 8, length], 1);
  return sent(seed, body);
}

const HUGE_VARINTS: readonly Uint8Array[] = [
  new Uint8Array(10).fill(0xff),
  new Uint8Array(30).fill(0x80),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
];

const BAD_UTF8: readonly Uint8Array[] = [
  Uint8Array.of(0xff),
  Uint8Array.of(0xc0, 0x80),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
];

/** All mutations of the framing, by name. */
export const FRAMING_MUTATIONS: Readonly<Record<string, GrpcMutation>> = {
  "wrong length": (seed, random) => {
    const { length } = seed.messages[0];
    return withLength(seed, Math.max(0, length + random.of([-length, -1, 1, 5, 1000])));
  },
  "a length of gigabytes": (seed, random) =>
    withLength(seed, random.of([0x7fffffff, 0x80000000, 0xffffffff, 0x40000000])),
  "compressed without encoding": (seed, random) =>
    sent(seed, frameOf(random.bytes(1 + random.below(50)), true)),
  "compressed garbage": (seed, random) => {
    const packed = gzipSync(seed.messages[0]);
    const body = random.of([
      random.bytes(60),
      packed.subarray(0, packed.length - 5),
      flipped(packed, 2, packed.length, random),
      new Uint8Array(0),
    ]);
    return sent(seed, frameOf(body, true), { "grpc-encoding": random.of(["gzip", "deflate"]) });
  },
  "small gzip bomb": (seed) =>
    sent(seed, frameOf(gzipSync(new Uint8Array(8 << 20)), true), { "grpc-encoding": "gzip" }),
  "unknown encoding": (seed, random) =>
    sent(seed, bodyOf(seed), { "grpc-encoding": random.of(["snappy", "", "gzip,gzip", "\x7f"]) }),
  "odd flags": (seed, random) => {
    const body = bodyOf(seed).slice();
    body[0] = random.below(256);
    return sent(seed, body);
  },
  "several messages": (seed, random) => {
    const body = bodyOf(seed);
    return sent(seed, concat(Array.from({ length: 2 + random.below(20) }, () => body)));
  },
  "no message": (seed) => sent(seed, new Uint8Array(0)),
  "empty messages": (seed, random) => sent(seed, new Uint8Array(5 * (1 + random.below(50)))),
  "prefix cut short": (seed, random) => sent(seed, bodyOf(seed).subarray(0, 1 + random.below(4))),
  "body cut short": (seed, random) => {
    const body = bodyOf(seed);
    return sent(seed, body.subarray(0, random.below(body.length)));
  },
  "in many frames": (seed, random) =>
    sent(seed, bodyOf(seed).subarray(0, 3000), {}, 1 + random.below(3)),
  "odd path": (seed, random) => {
    const path = random.of([`${seed.path}x`, "/", "*", "", seed.path.slice(1), `/${seed.path}`]);
    return sent({ ...seed, path }, bodyOf(seed));
  },
  "odd metadata": (seed, random) =>
    sent(
      seed,
      bodyOf(seed),
      random.of<Readonly<Record<string, string>>>([
        { "content-type": "application/json" },
        { "content-type": "application/grpc+json" },
        { ":method": random.of(["GET", "PUT", "CONNECT"]) },
        { "grpc-timeout": random.of(["1n", "0S", "x", "99999999H", "5m"]) },
        { "grpc-accept-encoding": ",,,gzip;q=1," },
        { "triton_grpc_error": "true" },
        { "x-long": "x".repeat(15_000) },
      ]),
    ),
};

/** All mutations of the messages, by name. */
export const MESSAGE_MUTATIONS: Readonly<Record<string, GrpcMutation>> = {
  "bits": (seed, random) =>
    withMessage(seed, random, (message) => flipped(message, 0, message.length, random)),
  "a bit near the start": (seed, random) =>
    withMessage(
      seed,
      random,
      (message) => flipped(message, 0, Math.min(60, message.length), random),
    ),
  "cut short": (seed, random) =>
    withMessage(seed, random, (message) => message.subarray(0, random.below(message.length + 1))),
  "a byte more or less": (seed, random) =>
    withMessage(seed, random, (message) => {
      const at = random.below(message.length + 1);
      return replaced(message, at, random.below(2), random.bytes(random.below(3)));
    }),
  "lengths that lie": (seed, random) =>
    withMessage(seed, random, (message) => {
      const at = random.below(message.length + 1);
      return replaced(message, at, 1, Uint8Array.of(random.of([0, 1, 0x7e, 0x7f, 0x10, 0x22])));
    }),
  "huge varints": (seed, random) =>
    withMessage(seed, random, (message) => {
      const at = random.below(message.length + 1);
      return replaced(message, at, random.below(2), random.of(HUGE_VARINTS));
    }),
  "invalid UTF-8": (seed, random) =>
    withMessage(seed, random, (message) => {
      const bad = random.of(BAD_UTF8);
      const at = random.below(Math.max(1, message.length - bad.length));
      return replaced(message, at, bad.length, bad);
    }),
  "everything twice": (seed, random) =>
    withMessage(seed, random, (message) => concat([message, message])),
  "a part twice": (seed, random) =>
    withMessage(seed, random, (message) => {
      const at = random.below(message.length + 1);
      return concat([message, message.subarray(at)]);
    }),
  "other wire types": (seed, random) =>
    withMessage(seed, random, (message) => {
      const copy = message.slice();
      if (copy.length > 0) copy[0] = (copy[0] & 0xf8) | random.below(8);
      return copy;
    }),
  "unknown fields": (seed, random) =>
    withMessage(seed, random, (message) => {
      const field = random.of([
        Uint8Array.of(0xf8, 0x07, 1),
        Uint8Array.of(0xfa, 0x07, 3, 1, 2, 3),
        Uint8Array.of(0xfd, 0x07, 1, 2, 3, 4),
        Uint8Array.of(0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8),
        Uint8Array.of(0xfb, 0x07, 0xfc, 0x07),
        Uint8Array.of(0xfb, 0x07),
        Uint8Array.of(0x00, 0x00),
      ]);
      return concat([field, message, field]);
    }),
  "nested groups": (seed, random) =>
    withMessage(seed, random, (message) => {
      const depth = random.of([10, 200, 20_000]);
      return concat([message, new Uint8Array(depth).fill(0x7b)]);
    }),
  "many fields": (seed, random) =>
    withMessage(seed, random, (message) => {
      const field = random.of([[0x2a, 0], [0x3a, 0], [0x22, 0], [0x0a, 0], [0x32, 0]]);
      return concat([message, Uint8Array.from({ length: 20_000 }, (_, at) => field[at % 2])]);
    }),
  "the message of another method": (seed, random) => {
    const method = random.of(["ModelInfer", "ModelStreamInfer", "TraceSetting", "ModelReady"]);
    return sent({ ...seed, path: `/inference.GRPCInferenceService/${method}` }, bodyOf(seed));
  },
  "random bytes": (seed, random) =>
    withMessage(seed, random, () => random.bytes(random.below(200))),
};
