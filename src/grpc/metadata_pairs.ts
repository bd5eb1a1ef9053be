/**
 * Request metadata as the pairs that `kserve/header_forwarding.ts` chooses from.
 *
 * @module
 */
import { cString } from "../kserve/c_string.ts";

/** What belongs to the protocol is no metadata: gRPC's libraries do not show it to a server. */
const PROTOCOL = /^(:|grpc-|te$|content-type$)/;

/**
 * The metadata among `headers` (names and values in turn), each field for itself even where a name
 * comes twice. Binary values are decoded; as in Triton, a value ends at its first NUL.
 */
export function* metadataPairs(headers: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    if (PROTOCOL.test(name)) continue;
    const value = headers[i + 1];
    yield [name, cString(name.endsWith("-bin") ? decodeBinary(value) : value)];
  }
}

function decodeBinary(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  } catch {
    return "";
  }
}
