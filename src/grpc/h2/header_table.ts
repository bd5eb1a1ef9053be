/**
 * The tables of HPACK: the static one of RFC 7541, appendix A, and the dynamic one of a connection.
 *
 * @module
 */

/** The names without a value, from index 17 on. */
const NAMES_ALONE = "accept-language accept-ranges accept access-control-allow-origin age allow " +
  "authorization cache-control content-disposition content-encoding content-language " +
  "content-length content-location content-range content-type cookie date etag expect expires " +
  "from host if-match if-modified-since if-none-match if-range if-unmodified-since " +
  "last-modified link location max-forwards proxy-authenticate proxy-authorization range " +
  "referer refresh retry-after server set-cookie strict-transport-security transfer-encoding " +
  "user-agent vary via www-authenticate";

/** Names and values in turn, from index 1. */
export const STATIC_TABLE: readonly string[] = [
  ...[":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html"],
  ...[":scheme", "http", ":scheme", "https", ":status", "200", ":status", "204"],
  ...[":status", "206", ":status", "304", ":status", "400", ":status", "404", ":status", "500"],
  ...["accept-charset", "", "accept-encoding", "gzip, deflate"],
  ...NAMES_ALONE.split(" ").flatMap((name) => [name, ""]),
];

/** The number of entries of {@link STATIC_TABLE}. */
export const STATIC_COUNT = 61;

/** The size of the dynamic table that a peer may use: HTTP/2's default, which is never changed here. */
export const MAX_TABLE_SIZE = 4096;

/** What an entry counts beside the lengths of its name and value. */
export const ENTRY_OVERHEAD = 32;

/** A power of two that is at least as many entries as fit into {@link MAX_TABLE_SIZE}. */
const SLOTS = MAX_TABLE_SIZE / ENTRY_OVERHEAD;

/** The dynamic table of one connection: a ring, the newest entry first. */
export class DynamicTable {
  /** Changes whenever an entry is added or the size is set. */
  version = 0;
  /** The number of entries. */
  count = 0;
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #newest = 0;
  #size = 0;
  #maxSize = MAX_TABLE_SIZE;

  /** The name of entry `index`, counted from 0. */
  name(index: number): string {
    return this.#names[(this.#newest + index) % SLOTS];
  }

  /** The value of entry `index`, counted from 0. */
  value(index: number): string {
    return this.#values[(this.#newest + index) % SLOTS];
  }

  /** Adds an entry, for which old ones go; one that is larger than the table empties it. */
  add(name: string, value: string): void {
    this.version += 1;
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#evict(this.#maxSize - size);
    if (size > this.#maxSize) return;
    this.#newest = (this.#newest + SLOTS - 1) % SLOTS;
    this.#names[this.#newest] = name;
    this.#values[this.#newest] = value;
    this.#size += size;
    this.count += 1;
  }

  /** Sets the size that the peer uses from now on, at most {@link MAX_TABLE_SIZE}. */
  resize(maxSize: number): void {
    this.version += 1;
    this.#maxSize = maxSize;
    this.#evict(maxSize);
  }

  #evict(room: number): void {
    while (this.#size > room && this.count > 0) {
      this.count -= 1;
      const oldest = (this.#newest + this.count) % SLOTS;
      this.#size -= this.#names[oldest].length + this.#values[oldest].length + ENTRY_OVERHEAD;
      this.#names[oldest] = this.#values[oldest] = "";
    }
  }
}
