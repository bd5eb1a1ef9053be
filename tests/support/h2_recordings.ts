/**
 * What real clients have sent to this front end, to the byte, and its frames.
 *
 * @module
 */
import { FrameType, HEADER_SIZE, PREFACE, uint31, uint32 } from "../../src/grpc/h2/frames.ts";
import { type Frame, frame, join } from "./h2_peer.ts";
import type { Random } from "./random.ts";

/** grpcio 1.85: ServerLive, ModelInfer plain and with gzip, a stream to `repeat`, a call that its deadline resets. */
const GRPCIO =
  "UFJJICogSFRUUC8yLjANCg0KU00NCg0KAAAkBAAAAAAAAAIAAAAAAAMAAAAAAAQAQAAAAAUAQAAAAAYAAEAA/gMA" +
  "AAABAAAECAAAAAAAAD8AAQAAAAQBAAAAAAAA5wEEAAAAAUAFOnBhdGgqL2luZmVyZW5jZS5HUlBDSW5mZXJlbmNl" +
  "U2VydmljZS9TZXJ2ZXJMaXZlQAo6YXV0aG9yaXR5DzEyNy4wLjAuMTozOTMyNYOGQAxjb250ZW50LXR5cGUQYXBw" +
  "bGljYXRpb24vZ3JwY0ACdGUIdHJhaWxlcnNAFGdycGMtYWNjZXB0LWVuY29kaW5nF2lkZW50aXR5LCBkZWZsYXRl" +
  "LCBnemlwQAp1c2VyLWFnZW50MGdycGMtcHl0aG9uLzEuODUuMSBncnBjLWMvNTguMC4wIChsaW51eDsgY2h0dHAy" +
  "KQAABAgAAAAAAQAAAAUAAAUAAQAAAAEAAAAAAAAABAgAAAAAAAAAAAUAAAgGAAAAAAAxIBsvJyaeyQAAQwEEAAAA" +
  "A0AFOnBhdGgqL2luZmVyZW5jZS5HUlBDSW5mZXJlbmNlU2VydmljZS9Nb2RlbEluZmVyw4OGwsHAvwAGeC10ZXN0" +
  "ATEAAAQIAAAAAAMAAAAFAAA8AAEAAAADAAAAADcKDWlkZW50aXR5X2ZwMzIaAWEqEQoGSU5QVVQwEgRGUDMyGgEE" +
  "OhAAAAAAAACAPwAAAEAAAEBAAAAECAAAAAAAAAAABwAAJgEEAAAABb7Dg4bCwUANZ3JwYy1lbmNvZGluZwRnemlw" +
  "wcAABngtdGVzdAExAAAECAAAAAAFAAAABQAAPAABAAAABQAAAAA3Cg1pZGVudGl0eV9mcDMyGgFiKhEKBklOUFVU" +
  "MBIERlAzMhoBBDoQAAAAAAAAgD8AAABAAABAQAAABAgAAAAAAAAAAEAAAD8BBAAAAAdABTpwYXRoMC9pbmZlcmVu" +
  "Y2UuR1JQQ0luZmVyZW5jZVNlcnZpY2UvTW9kZWxTdHJlYW1JbmZlcsWDhsTDwsEAAAQIAAAAAAAAAAA7AAAECAAA" +
  "AAAHAAAABQAAKwAAAAAABwAAAAAmCgZyZXBlYXQqDgoCSU4SBUlOVDMyGgEDOgwAAAAAAQAAAAIAAAAAAAQIAAAA" +
  "AAAAAAAFAAAECAAAAAAHAAAA0gAAAAABAAAABwAABAgAAAAAAAAAANIAABkBBAAAAAnAxYOGxMPCQAxncnBjLXRp" +
  "bWVvdXQCMW3CAAAECAAAAAAJAAAABQAAOQABAAAACQAAAAA0Cg1pZGVudGl0eV9mcDMyKhEKBklOUFVUMBIERlAz" +
  "MhoBBDoQAAAAAAAAgD8AAABAAABAQAAABAMAAAAACQAAAAg=";

/** grpc-go 1.76, by grpcurl: reflection and ModelInfer, header blocks in Huffman code, GOAWAY. */
const GRPC_GO =
  "UFJJICogSFRUUC8yLjANCg0KU00NCg0KAAAABAAAAAAAAAAABAEAAAAAAACNAQQAAAABg4ZFqWJrKyL2FloKRJj1" +
  "L9wr7i2dy2bSy0FIkx6mNxbO5bNpZaCkSY9WSqU/QYsInVwLgXDcZfZE31+LHXXQYg0mPUxNZWR6pZrKyW2UMSF7" +
  "rR2mokU/qo6nctiDHqUQVP9qTWVkWmOwFd5lcX9AAnRlhk2DNQWxH0COmsrIsMhC1pWLUQ8hqpuDm9mrAAAlAAAA" +
  "AAABAAAAACAiHmluZmVyZW5jZS5HUlBDSW5mZXJlbmNlU2VydmljZQAABAgAAAAAAAAAQAAAAAgGAAAAAAACBBAQ" +
  "CQ4HBwAABAgAAAAAAQAAQAAAACgBBAAAAAODhkWfYNVKWwtRCr4tuu9kqlLYWohdxbO5iFY0HkLRkqlLZ8PCwcC/" +
  "AAAvAAEAAAADAAAAACoKDWlkZW50aXR5X2ZwMzIqGQoGSU5QVVQwEgRGUDMyGgEBKgYyBAAAgD8AAAQIAAAAAAAA" +
  "ABfaAAAIBgAAAAAAAgQQEAkOBwcAAAAAAQAAAAEAACEHAAAAAAAAAAADAAAAAGNsaWVudCB0cmFuc3BvcnQgc2h1" +
  "dGRvd24=";

/** node:http2 of Bun: ModelInfer. */
const NODE =
  "UFJJICogSFRUUC8yLjANCg0KU00NCg0KAAAABAAAAAAAAABIAQQAAAABg0SfYNVKWwtRCr4tuu9kqlLYWohdxbO5" +
  "iFY0HkLRkqlLZ0GLCJ1cC4Fw3GX2RN+GX4sdddBiDSY9TE1lZECCSX+GTYM1BbEfAAAtAAEAAAABAAAAACgKDWlk" +
  "ZW50aXR5X2ZwMzIqEQoGSU5QVVQwEgRGUDMyGgEBOgQAAIA/AAAABAEAAAAA";

/** The frames of `bytes`, as far as they are whole. */
export function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + HEADER_SIZE <= bytes.length;) {
    const end = at + HEADER_SIZE + (uint32(bytes, at) >>> 8);
    frames.push({
      type: bytes[at + 3],
      flags: bytes[at + 4],
      stream: uint31(bytes, at + 5),
      payload: bytes.slice(at + HEADER_SIZE, end),
    });
    at = end;
  }
  return frames;
}

/** A frame's bytes. */
export function bytesOf({ type, flags, stream, payload }: Frame): Uint8Array {
  return frame(type, flags, stream, payload);
}

/** A connection's beginning and `frames`. */
export function withPreface(frames: readonly Frame[]): Uint8Array {
  return join([PREFACE, ...frames.map(bytesOf)]);
}

const RECORDINGS: readonly (readonly Frame[])[] = [GRPCIO, GRPC_GO, NODE].map((text) =>
  framesOf(Uint8Array.fromBase64(text).subarray(PREFACE.length))
);

/** The frames of one of the recordings, some of them with what clients may do as well. */
export function recording(random: Random): Frame[] {
  return random.of(RECORDINGS).flatMap((each) => varied(each, random));
}

/** Valid forms of the same: header blocks in several frames, padding, data in pieces, frames in between. */
function varied(each: Frame, random: Random): Frame[] {
  const { type, flags, stream, payload } = each;
  const isHeaders = type === FrameType.HEADERS;
  if (!isHeaders && type !== FrameType.DATA) return [each];
  const cut = random.below(payload.length + 1);
  switch (random.below(4)) {
    case 0:
      return [
        {
          type,
          flags: isHeaders ? flags & ~4 : flags & ~1,
          stream,
          payload: payload.slice(0, cut),
        },
        isHeaders
          ? { type: FrameType.CONTINUATION, flags: 4, stream, payload: payload.slice(cut) }
          : { ...each, payload: payload.slice(cut) },
      ];
    case 1: {
      const size = random.below(20);
      const padded = join([Uint8Array.of(size), payload, new Uint8Array(size)]);
      return [{ type, flags: flags | 8, stream, payload: padded }];
    }
    case 2:
      return [{ type: FrameType.PING, flags: 0, stream: 0, payload: random.bytes(8) }, each];
    default:
      return [each];
  }
}
