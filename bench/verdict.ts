/**
 * What a benchmark aims at, and where a run has missed it: the ratios of the cases, and that no request costs
 * more CPU than the C++ server's, and none waits longer at the load that all servers get.
 *
 * @module
 */
import { RATED } from "./cases.ts";
import type { Result } from "./report.ts";

/** The aims that were missed, one line each. */
export function missedAims(results: readonly Result[]): string[] {
  return results.flatMap((result) => {
    const { name, server, aim, ratio, cpu, p99 } = result;
    const peer = results.find((other) => other.name === name) as Result;
    if (result === peer) return [];
    const missed: string[] = [];
    if (aim !== undefined && ratio < aim) {
      missed.push(`${ratio.toFixed(3)} of the peer's rate, aim ${aim.toFixed(2)}`);
    }
    // The loop in C is the limit, not a peer: it does nothing else.
    if (peer.server === "C++" && cpu > peer.cpu) {
      missed.push(`${cpu.toFixed(1)} us of CPU a request, C++ ${peer.cpu.toFixed(1)}`);
    }
    if (name.endsWith(RATED) && p99 > peer.p99) {
      missed.push(`p99 ${p99.toFixed(2)} ms, C++ ${peer.p99.toFixed(2)}`);
    }
    return missed.map((text) => `${name}, ${server}: ${text}`);
  });
}
