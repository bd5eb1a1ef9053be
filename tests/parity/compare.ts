/**
 * Sends a case to both servers and says where the answers differ.
 *
 * @module
 */
import { unzipSync } from "node:zlib";
import { exchange, header, latin1 } from "../support/wire.ts";
import { deviationOf } from "./deviations.ts";
import type { ParityCase } from "./parity_case.ts";
import type { ParityServer } from "./servers.ts";

/** What is compared of an answer. A field is undefined where there is nothing. */
export interface Seen {
  /** `answer`, or what came instead. */
  readonly outcome: string;
  readonly interim?: string;
  readonly status?: number;
  readonly reason?: string;
  readonly contentType?: string;
  readonly headerLength?: string;
  readonly contentEncoding?: string;
  readonly acceptEncoding?: string;
  readonly connection?: string;
  readonly framing?: string;
  readonly closed?: boolean;
  /** How many bytes came behind the answer. */
  readonly behind?: number;
  /** Decompressed, one character a byte. */
  readonly body?: string;
}

/** Sends `one` to both; resolves to what differs, without what is known to. */
export async function compare(
  one: ParityCase,
  ours: ParityServer,
  theirs: ParityServer,
): Promise<string[]> {
  const [our, their] = await Promise.all([see(one, ours), see(one, theirs)]);
  const deviation = deviationOf(one.name, their);
  const expected: Seen = { ...their, ...deviation?.ours };
  const faults = differences(our, expected, one.structureOnly ?? false);
  if (deviation !== undefined && differences(expected, their, false).length === 0) {
    faults.push(`Triton answers so too: ${deviation.reason}`);
  }
  return faults.map((fault) => `${one.name}: ${fault}`);
}

async function see(one: ParityCase, server: ParityServer): Promise<Seen> {
  const { answer, fault, closed, received } = await exchange(server.port, one.parts, one.options);
  if (answer === undefined) return { outcome: fault ?? (closed ? "closed" : "silent") };
  const contentEncoding = header(answer, "content-encoding");
  const body = latin1(contentEncoding === undefined ? answer.body : unzipSync(answer.body));
  return {
    outcome: "answer",
    interim: answer.interim.join(),
    status: answer.status,
    reason: answer.reason,
    contentType: header(answer, "content-type"),
    headerLength: header(answer, "inference-header-content-length"),
    contentEncoding,
    acceptEncoding: header(answer, "accept-encoding"),
    connection: one.options?.untilClose ? header(answer, "connection")?.toLowerCase() : undefined,
    framing: answer.framing,
    closed: one.options?.untilClose ? closed : undefined,
    behind: one.options?.untilClose ? received - answer.size : undefined,
    body: body.replaceAll(server.models, "MODELS"),
  };
}

function differences(ours: Seen, theirs: Seen, structureOnly: boolean): string[] {
  const fields = new Set([...Object.keys(ours), ...Object.keys(theirs)]) as Set<keyof Seen>;
  return [...fields].flatMap((field) => {
    const [our, their] = [ours[field], theirs[field]];
    const same = field === "body" || field === "headerLength"
      ? sameText(String(our), String(their), structureOnly)
      : our === their;
    return same ? [] : [`${field} is ${short(our)} instead of ${short(their)}`];
  });
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}

const NUMBER = /(-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/;

/** Whether the texts are the same, but for the digits in which they write the same double. */
function sameText(left: string, right: string, structureOnly: boolean): boolean {
  if (left === right) return true;
  const [lefts, rights] = [left.split(NUMBER), right.split(NUMBER)];
  return lefts.length === rights.length && lefts.every((part, index) => {
    const other = rights[index];
    if (part === other) return true;
    if (index % 2 === 0) return false;
    if (structureOnly) return true;
    return /[.e]/.test(part) && /[.e]/.test(other) && Number(part) === Number(other);
  });
}
