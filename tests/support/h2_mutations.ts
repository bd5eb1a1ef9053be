/**
 * HTTP/2 made wrong: what may come from a network, and what an attacker may send.
 *
 * @module
 */
import { Flag, FrameType, HEADER_SIZE, PREFACE } from "../../src/grpc/h2/frames.ts";
import { callHead, literal } from "./h2_client.ts";
import type { H2Mutant } from "./h2_exchange.ts";
import { type Frame, frame, join, number, setting } from "./h2_peer.ts";
import { bytesOf, recording, withPreface } from "./h2_recordings.ts";
import { INFER } from "./infer_messages.ts";
import type { Random } from "./random.ts";
import { concat, utf8 } from "./wire.ts";

/** Makes a connection wrong in one way. */
export type H2Mutation = (random: Random) => H2Mutant;

const BEGIN = join([PREFACE, frame(FrameType.SETTINGS, 0, 0)]);
const HEAD = callHead(INFER);

function begun(...pieces: readonly Uint8Array[]): H2Mutant {
  return { bytes: join([BEGIN, ...pieces]) };
}

/** A call whose head is `block`, with an empty message. */
function withBlock(block: Uint8Array): H2Mutant {
  const message = frame(FrameType.DATA, Flag.END_STREAM, 1, new Uint8Array(5));
  return begun(frame(FrameType.HEADERS, Flag.END_HEADERS, 1, block), message);
}

/** Some bits of `bytes` the other way round. */
export function flipped(bytes: Uint8Array, from: number, to: number, random: Random): Uint8Array {
  const copy = bytes.slice();
  for (let count = 1 + random.below(6); count > 0 && to > from; count--) {
    copy[from + random.below(to - from)] ^= 1 << random.below(8);
  }
  return copy;
}

/** The recording with one frame replaced. */
function withFrame(random: Random, change: (frame: Frame) => readonly Uint8Array[]): H2Mutant {
  const frames = recording(random);
  const at = random.below(frames.length);
  const pieces = frames.flatMap((each, index) => index === at ? change(each) : [bytesOf(each)]);
  return { bytes: join([PREFACE, ...pieces]) };
}

function repeated(count: number, piece: (index: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => piece(index));
}

/** A frame that says it has `length` bytes. */
function lying(each: Frame, length: number): Uint8Array {
  const bytes = bytesOf(each);
  bytes.set([length >>> 16, length >>> 8, length], 0);
  return bytes;
}

const GREETINGS = [
  "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n",
  "PRI * HTTP/1.1\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "\r\n\r\n",
  "\0".repeat(100),
];

const ODD_FIELDS: readonly (readonly [string, string])[] = [
  ["Upper-Case", "x"],
  ["", "x"],
  ["a b", "x"],
  ["x", "a\0b"],
  ["x", "a\r\nb: c"],
  [":path", "/again"],
  [":status", "200"],
  [":unknown", "x"],
  ["connection", "close"],
  ["transfer-encoding", "chunked"],
  ["te", "gzip"],
  ["content-length", "-1"],
  ["content-length", "3"],
  ["content-length", "99999999999999999999"],
  ["host", "elsewhere"],
  ["cookie", "x".repeat(9000)],
  ["grpc-timeout", "99999999999H"],
  ["grpc-timeout", "1n"],
  ["grpc-timeout", "-1S"],
  ["grpc-encoding", "snappy"],
  ["content-type", "application/grpc-web"],
  ["x-bin", "%%%"],
];

const BAD_BLOCKS: readonly Uint8Array[] = [
  // Index 0, indices beyond both tables, integers without an end, a table size over the limit.
  Uint8Array.of(0x80),
  Uint8Array.of(0xff, 0x80, 0x80, 0x01),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  Uint8Array.of(0x3f, 0xff, 0xff, 0xff, 0x7f),
  // A table size that changes behind a field.
  Uint8Array.of(0x83, 0x20),
  // Names and values that are longer than the block.
  Uint8Array.of(0x00, 0x7f, 0xff, 0xff, 0xff, 0x07),
  Uint8Array.of(0x40, 0x01, 0x61, 0x7f),
  Uint8Array.of(0x00, 0x05, 0x61),
  // Huffman code that ends in the wrong padding, or with the symbol for the end.
  Uint8Array.of(0x00, 0x81, 0x00, 0x81, 0xfe),
  Uint8Array.of(0x00, 0x01, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff),
  new Uint8Array(0),
];

const ODD_SETTINGS: readonly Uint8Array[] = [
  setting(2, 2),
  setting(4, 0x80000000),
  setting(4, 0x7fffffff),
  setting(4, 0),
  setting(5, 0),
  setting(5, 0xffffff),
  setting(5, 0x1000000),
  setting(1, 0xffffffff),
  setting(1, 0),
  setting(6, 1),
  setting(0xff, 5),
  Uint8Array.of(0, 4, 0),
  new Uint8Array(6 * 2000),
];

/** A block that one entry of the table makes large: 60 MB of fields in 16 kB. */
function bombBlock(): Uint8Array {
  const value = new Uint8Array(3900).fill(0x61);
  const entry = concat([Uint8Array.of(0x40, 1, 0x78, 0x7f, 0xbd, 0x1d), value]);
  return concat([HEAD, entry, new Uint8Array(12_000).fill(0xbe)]);
}

/** All mutations, by name. */
export const H2_MUTATIONS: Readonly<Record<string, H2Mutation>> = {
  "bits": (random) => {
    const bytes = withPreface(recording(random));
    return { bytes: flipped(bytes, PREFACE.length, bytes.length, random) };
  },
  "bits of the preface": (random) => {
    const bytes = withPreface(recording(random));
    return { bytes: flipped(bytes, 0, PREFACE.length, random) };
  },
  "bits of a frame's header": (random) =>
    withFrame(random, (each) => [flipped(bytesOf(each), 0, HEADER_SIZE, random)]),
  "bits of a payload": (random) =>
    withFrame(random, (each) => {
      const bytes = bytesOf(each);
      return [flipped(bytes, HEADER_SIZE, bytes.length, random)];
    }),
  "cut short and half closed": (random) => {
    const bytes = withPreface(recording(random));
    return { bytes: bytes.subarray(0, random.below(bytes.length)) };
  },
  "cut short and closed": (random) => {
    const bytes = withPreface(recording(random));
    return { bytes: bytes.subarray(0, random.below(bytes.length)), closeAtOnce: true };
  },
  "wrong length": (random) =>
    withFrame(random, (each) => {
      const { length } = each.payload;
      const wrong = random.of([0, length - 1, length + 1, length + 200, 16384, 16385, 0xffffff]);
      return [lying(each, Math.max(0, wrong))];
    }),
  "payload of another length": (random) =>
    withFrame(random, (each) => {
      const payload = random.below(2) === 0
        ? each.payload.subarray(0, random.below(each.payload.length + 1))
        : concat([each.payload, random.bytes(1 + random.below(20))]);
      return [bytesOf({ ...each, payload })];
    }),
  "wrong stream": (random) =>
    withFrame(random, (each) => {
      const stream = random.of([0, 1, 2, 3, 5, 99, 100, 0x7fffffff, 0xffffffff]);
      return [bytesOf({ ...each, stream })];
    }),
  "wrong type": (random) =>
    withFrame(random, (each) => [bytesOf({ ...each, type: random.below(random.of([10, 256])) })]),
  "wrong flags": (random) =>
    withFrame(random, (each) => [bytesOf({ ...each, flags: random.below(256) })]),
  "huge frame": (random) => {
    const size = random.of([16385, 20_000, 100_000]);
    const type = random.below(11);
    return begun(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD),
      frame(type, random.of([0, 1, 4, 8]), random.of([0, 1, 3]), new Uint8Array(size)),
    );
  },
  "frame left out": (random) => withFrame(random, () => []),
  "frame twice": (random) => withFrame(random, (each) => [bytesOf(each), bytesOf(each)]),
  "frames in another order": (random) => {
    const frames = recording(random);
    for (let count = 0; count < 3; count++) {
      const [moved] = frames.splice(random.below(frames.length), 1);
      frames.splice(random.below(frames.length + 1), 0, moved);
    }
    return { bytes: withPreface(frames) };
  },
  "frame within a header block": (random) => {
    const type = random.below(10);
    return begun(
      frame(FrameType.HEADERS, 0, 1, HEAD.subarray(0, 50)),
      frame(type, random.below(2), random.of([0, 1, 3]), random.bytes(random.of([0, 4, 5, 8]))),
      frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, HEAD.subarray(50)),
    );
  },
  "CONTINUATION without end": (random) => {
    const size = random.of([0, 1, 100, 16384]);
    const count = Math.min(12_000, Math.ceil(200_000 / Math.max(1, size)));
    const more = frame(FrameType.CONTINUATION, 0, 1, new Uint8Array(size).fill(0x83));
    return begun(frame(FrameType.HEADERS, 0, 1, HEAD), ...repeated(count, () => more));
  },
  "CONTINUATION of another stream": (random) =>
    begun(
      frame(FrameType.HEADERS, 0, 1, HEAD),
      frame(FrameType.CONTINUATION, Flag.END_HEADERS, random.of([0, 2, 3, 5])),
    ),
  "HPACK garbage": (random) => withBlock(random.bytes(1 + random.below(300))),
  "HPACK garbage behind a head": (random) =>
    withBlock(concat([HEAD, random.bytes(1 + random.below(50))])),
  "bad header blocks": (random) =>
    withBlock(concat([random.below(2) === 0 ? HEAD : BEGIN.subarray(0, 0), random.of(BAD_BLOCKS)])),
  "HPACK bomb": () => withBlock(bombBlock()),
  "many fields": (random) => {
    const count = random.of([100, 1000]);
    return withBlock(concat([HEAD, ...repeated(count, (index) => literal(`x-${index}`, "y"))]));
  },
  "odd fields": (random) => {
    const [name, value] = random.of(ODD_FIELDS);
    const field = literal(name, value);
    return withBlock(concat(random.below(3) === 0 ? [field, HEAD] : [HEAD, field]));
  },
  "no pseudo-headers": (random) =>
    withBlock(concat([
      ...[literal(":method", "POST"), literal(":path", INFER), literal(":scheme", "http")]
        .filter(() => random.below(3) > 0),
      literal("content-type", "application/grpc"),
    ])),
  "odd SETTINGS": (random) => {
    const odd = frame(FrameType.SETTINGS, random.of([0, 0, 0, 1]), 0, random.of(ODD_SETTINGS));
    const call = frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD);
    const end = frame(FrameType.DATA, Flag.END_STREAM, 1, new Uint8Array(5));
    return begun(...random.of([[odd, call, end], [call, odd, end], [call, end, odd]]));
  },
  "many SETTINGS": (random) => {
    const one = frame(FrameType.SETTINGS, 0, 0, setting(4, random.below(1 << 20)));
    return begun(...repeated(random.of([100, 12_000]), () => one));
  },
  "odd WINDOW_UPDATE": (random) => {
    const increment = random.of([0, 1, 0x7fffffff, 0xffffffff]);
    const odd = frame(FrameType.WINDOW_UPDATE, 0, random.of([0, 1, 3]), number(increment));
    return begun(frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD), odd, odd);
  },
  "odd PING": (random) => {
    const odd = frame(FrameType.PING, random.below(2), random.below(2), random.bytes(7));
    const good = frame(FrameType.PING, random.below(2), 0, random.bytes(8));
    return begun(...random.of([[odd], repeated(3, () => good), repeated(12_000, () => good)]));
  },
  "opened and reset": (random) => {
    const count = random.of([10, 3000]);
    return begun(...repeated(count, (index) =>
      concat([
        frame(FrameType.HEADERS, Flag.END_HEADERS, index * 2 + 1, HEAD),
        frame(FrameType.RST_STREAM, 0, index * 2 + 1, number(random.of([0, 8]))),
      ])));
  },
  "odd RST_STREAM": (random) =>
    begun(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD),
      frame(FrameType.RST_STREAM, 0, random.of([0, 1, 2, 3]), random.bytes(random.of([0, 3, 5]))),
    ),
  "streams that never end": (random) =>
    begun(
      ...repeated(
        random.of([10, 300]),
        (index) => frame(FrameType.HEADERS, Flag.END_HEADERS, index * 2 + 1, HEAD),
      ),
    ),
  "empty DATA without end": (random) =>
    begun(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD),
      ...repeated(random.of([10, 12_000]), () => frame(FrameType.DATA, 0, 1)),
    ),
  "padding too long": (random) => {
    const payload = concat([Uint8Array.of(random.of([5, 100, 255])), HEAD.subarray(0, 4)]);
    return begun(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD),
      frame(random.of([FrameType.DATA, FrameType.HEADERS]), 0xd, random.of([1, 3]), payload),
    );
  },
  "what clients do not send": (random) => {
    const type = random.of([FrameType.PUSH_PROMISE, FrameType.PRIORITY, FrameType.GOAWAY, 0xfa]);
    const odd = frame(type, 0, random.of([0, 1]), random.bytes(random.of([0, 4, 5, 8, 30])));
    return begun(frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD), odd);
  },
  "DATA behind the end": (random) =>
    begun(
      frame(FrameType.HEADERS, random.of([4, 5]), 1, HEAD),
      ...repeated(3, () => frame(FrameType.DATA, Flag.END_STREAM, 1, random.bytes(10))),
    ),
  "trailers": (random) => {
    const block = random.of([HEAD, literal("x", "y"), literal("X", "y"), random.bytes(20)]);
    return begun(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, HEAD),
      frame(FrameType.DATA, 0, 1, new Uint8Array(3)),
      frame(FrameType.HEADERS, random.of([4, 5]), 1, block),
    );
  },
  "no HTTP/2": (random) => {
    const text = random.of(GREETINGS);
    return { bytes: random.below(3) === 0 ? random.bytes(300) : utf8(text) };
  },
  "no SETTINGS": (random) => ({
    bytes: withPreface(recording(random).filter(({ type }) => type !== FrameType.SETTINGS)),
  }),
  "byte by byte": (random) => ({ bytes: withPreface(recording(random)), dribble: true }),
};
