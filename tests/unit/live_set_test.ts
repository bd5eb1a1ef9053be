/** The sets of what is under way, against those of the runtime. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamTable } from "../../src/grpc/h2/stream_table.ts";
import { LiveSet } from "../../src/live_set.ts";
import { Random } from "../support/random.ts";

describe("LiveSet", () => {
  it("holds what a Set holds", () => {
    const random = new Random(7);
    const items = Array.from({ length: 50 }, (_, name) => ({ name, liveIndex: -1 }));
    const live = new LiveSet<(typeof items)[number]>();
    const set = new Set<(typeof items)[number]>();
    for (let step = 0; step < 5000; step++) {
      const item = random.of(items);
      if (set.has(item)) {
        live.delete(item);
        set.delete(item);
        live.delete(item);
      } else {
        live.add(item);
        set.add(item);
      }
      assert.equal(live.size, set.size);
      assert.equal(live.has(item), set.has(item));
      const names = (all: Iterable<{ name: number }>) => Array.from(all, ({ name }) => name).sort();
      if (step % 50 === 0) assert.deepEqual(names(live.all()), names(set));
    }
  });
});

describe("StreamTable", () => {
  it("holds what a Map holds", () => {
    const random = new Random(11);
    const table = new StreamTable<{ id: number }>();
    const map = new Map<number, { id: number }>();
    for (let step = 0; step < 20_000; step++) {
      // Ids that share slots as well as ids in a row.
      const id = 1 + 2 * (random.below(40) + 1024 * random.below(4));
      if (map.has(id)) {
        table.delete(id);
        map.delete(id);
        table.delete(id);
      } else {
        const item = { id };
        table.add(item);
        map.set(id, item);
      }
      assert.equal(table.size, map.size);
      assert.equal(table.get(id), map.get(id));
      if (step % 100 > 0) continue;
      for (const [other, item] of map) assert.equal(table.get(other), item);
      assert.equal(table.values().length, map.size);
    }
  });
});
