/** The turns of an event loop, over a bridge that only pretends to wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BridgeFunctions } from "../../ffi/bridge/load.ts";
import { Reactor } from "../../ffi/bridge/reactor.ts";

/** How many polls there were at each dispatch that began a turn of the runtime, until `polls` were made. */
async function pollsOfTurns(
  polls: number,
  { takesMs, leaves }: { takesMs: number; leaves: boolean },
): Promise<number[]> {
  let polled = 0;
  const bridge: Partial<BridgeFunctions> = {
    tts_loop_new: () => 0,
    tts_loop_arm: () => {},
    tts_loop_disarm: () => 0,
    tts_loop_mute: () => {},
    tts_loop_mute_all: () => {},
    tts_net_poll() {
      polled++;
      for (const end = performance.now() + takesMs; performance.now() < end;);
      return polled <= polls ? 8 : 0;
    },
  };
  const reactor = new Reactor(bridge as BridgeFunctions, () => 1);
  reactor.attachSockets({
    dispatch() {
      if (leaves) reactor.leaveUnsettled();
    },
    flush() {},
    rested() {},
  });
  const seen: number[] = [];
  reactor.expect();
  while (reactor.isTurning) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(polled);
  }
  await reactor.end();
  return seen;
}

test("rounds follow each other while nothing waits in a promise", async () => {
  const seen = await pollsOfTurns(20_000, { takesMs: 0, leaves: false });
  // Of a millisecond each, in which there are hundreds.
  assert.ok(seen.length < 2000, `${seen.length} turns`);
});

test("the runtime gets its turn when something waits in a promise", async () => {
  const seen = await pollsOfTurns(50, { takesMs: 0, leaves: true });
  assert.deepEqual(seen.slice(0, 50), Array.from({ length: 50 }, (_, index) => index + 1));
});

test("the runtime gets its turn when rounds take long", async () => {
  const seen = await pollsOfTurns(10, { takesMs: 2, leaves: false });
  assert.deepEqual(seen.slice(0, 10), Array.from({ length: 10 }, (_, index) => index + 1));
});
