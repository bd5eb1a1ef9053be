/** The registry of shared-memory regions and its leases, over fake memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineRequest } from "../../src/engine.ts";
import type { TritonErrorCode } from "../../src/errors.ts";
import { RegionLeases } from "../../src/kserve/shared_memory_leases.ts";
import { registerSystem as registerJson } from "../../src/kserve/shared_memory_json.ts";
import { SharedMemory, sharedMemoryOf } from "../../src/kserve/shared_memory_registry.ts";
import { FakeMemory } from "../support/fake_memory.ts";

const HANDLE = new Uint8Array(64);
const REQUEST: EngineRequest = { modelName: "m", modelVersion: -1, inputs: [] };

function setup() {
  const clientMemory = new FakeMemory();
  clientMemory.objects.set("data", 8192);
  const regions = new SharedMemory({ clientMemory });
  const register = (name: string, key = "/data", offset = 0, byteSize = 4096) =>
    regions.registerSystem({ name, key, offset, byteSize });
  return { clientMemory, regions, register };
}

async function refuses(
  call: () => unknown,
  message: string,
  code: TritonErrorCode = "INVALID_ARG",
): Promise<void> {
  await assert.rejects(async () => {
    await call();
  }, { code, message });
}

test("registerSystem() maps, and refuses with Triton's texts", async () => {
  const { clientMemory, register } = setup();
  await register("a");
  await register("b", "data", 4096);
  await register("c", "//data");
  assert.equal(clientMemory.mapped, 2 + 1);
  await refuses(
    () => register("a", "/other"),
    "shared memory region 'a' already in manager",
    "ALREADY_EXISTS",
  );
  await refuses(() => register("n", "/x"), "Unable to open shared memory region: '/x'", "INTERNAL");
  const failed = "failed to register shared memory region 'n': ";
  const address = `${failed}unable to process address spaceInvalid argument`;
  await refuses(() => register("n", "/data", 4096, 4097), `${failed}invalid args`);
  await refuses(() => register("n", "/data", 8, 8), address);
  await refuses(() => register("n", "/data", 0, 0), address);
  const cannot = "cannot register shared memory region 'n'";
  for (const key of ["", "/", "///"]) {
    await refuses(() => register("n", key), `${cannot} - invalid shm key '${key}'`);
  }
  for (const key of ["triton_python_backend_shm_region_1", "//triton_python_backend_shm_region_"]) {
    await refuses(
      () => register("a", key),
      `cannot register shared memory region 'a' with key '${key}' as the key contains the reserved ` +
        "prefix 'triton_python_backend_shm_region_'",
    );
  }
  assert.equal(clientMemory.mapped, 3);
});

test("a registration's fields are read in Triton's order", async () => {
  const { regions } = setup();
  const register = (json: string) => registerJson(regions, "n", new TextEncoder().encode(json));
  const unsigned = "attempt to access JSON non-unsigned-integer as unsigned-integer";
  await refuses(
    () => register('{"offset":"x"}'),
    "Shared memory register request has no 'key' field",
  );
  await refuses(
    () => register('{"key":1,"offset":"x"}'),
    "attempt to access JSON non-string as string",
    "INTERNAL",
  );
  await refuses(() => register('{"key":"/data","offset":"x"}'), unsigned, "INTERNAL");
  await refuses(
    () => register('{"key":"/data"}'),
    "Shared memory register request has no 'byte_size' field",
  );
  await register('{"key":"/data\\u0000x","byte_size":64}');
  assert.equal(regions.systemStatus("n")[0].key, "/data");
});

test("registerCuda() opens a GPU's memory where there is one", async () => {
  const { clientMemory, regions, register } = setup();
  const cuda = (name: string, byteSize = 16) =>
    regions.registerCuda({ name, deviceId: 1n, byteSize }, HANDLE);
  await refuses(() => cuda("g"), "failed to register shared memory region: invalid args");
  clientMemory.hasGpu = true;
  await refuses(() => cuda("g", 4097), "failed to register shared memory region 'g': invalid args");
  await register("a");
  await refuses(() => cuda("a"), "shared memory region 'a' already in manager", "ALREADY_EXISTS");
  await cuda("g");
  assert.deepEqual(regions.cudaStatus(), [{ name: "g", deviceId: 1n, byteSize: 16 }]);
  assert.equal(regions.lease("g", 4, 8).slice.gpu, 1);
  assert.equal("gpu" in regions.lease("a", 4, 8).slice, false);
});

test("status is sorted by name, and says what is not there", async () => {
  const { clientMemory, regions, register } = setup();
  clientMemory.hasGpu = true;
  await register("b");
  await register("a", "/data", 4096, 10);
  await regions.registerCuda({ name: "g", deviceId: 0, byteSize: 16 }, HANDLE);
  const a = { name: "a", key: "/data", offset: 4096, byteSize: 10 };
  const b = { name: "b", key: "/data", offset: 0, byteSize: 4096 };
  assert.deepEqual(regions.systemStatus(), [a, b]);
  assert.deepEqual(regions.systemStatus("b"), [b]);
  assert.deepEqual(regions.cudaStatus("g"), [{ name: "g", deviceId: 0, byteSize: 16 }]);
  for (
    const [call, message] of [
      [() => regions.systemStatus("x"), "Unable to find system shared memory region: 'x'"],
      [() => regions.cudaStatus("x"), "Unable to find cuda shared memory region: 'x'"],
      [
        () => regions.cudaStatus("a"),
        "The region named 'a' is registered as system shared memory, not CUDA shared memory",
      ],
      [
        () => regions.systemStatus("g"),
        "The region named 'g' is registered as CUDA shared memory, not system shared memory",
      ],
    ] as const
  ) await refuses(call, message, "NOT_FOUND");
});

test("lease() gives a place, and refuses one that is not wholly inside", async () => {
  const { clientMemory, regions, register } = setup();
  const base = clientMemory.nextAddress;
  await register("a", "/data", 4096);
  assert.deepEqual(regions.lease("a", 0, 4096).slice, { address: base, byteSize: 4096 });
  assert.deepEqual(regions.lease("a", 4095n, 1n).slice, { address: base + 4095, byteSize: 1 });
  assert.deepEqual(regions.lease("a", 8, 0).slice, { address: base + 8, byteSize: 0 });
  await refuses(
    () => regions.lease("x", 0, 0),
    "Unable to find shared memory region: 'x'",
    "NOT_FOUND",
  );
  const offset = "Invalid offset for shared memory region: 'a'";
  for (const start of [4096, 2n ** 64n - 1n, -1n]) {
    await refuses(() => regions.lease("a", start, 0), offset);
  }
  const end = "Invalid offset + byte size for shared memory region: 'a'";
  for (const [start, size] of [[0, 4097], [4095, 2], [0, 2n ** 64n - 1n]] as const) {
    await refuses(() => regions.lease("a", start, size), end);
  }
  for (const size of [2n ** 64n - 1n, -1n]) {
    await refuses(
      () => regions.lease("a", 1, size),
      "Integer overflow detected: byte_size (18446744073709551615) + offset (1) exceeds maximum " +
        "value (18446744073709551615) for region 'a'",
    );
  }
  clientMemory.objects.set("data", 4096 + 100);
  assert.equal(regions.lease("a", 0, 100).slice.byteSize, 100);
  await refuses(() => regions.lease("a", 0, 101), end);
  clientMemory.objects.delete("data");
  await refuses(() => regions.lease("a", 0, 1), end);
});

test("unregister() takes out what is not used at once, and what is used after its last use", async () => {
  const { clientMemory, regions, register } = setup();
  await register("a");
  await register("b");
  await regions.unregister("cuda");
  await regions.unregister("cuda", "a");
  await regions.unregister("system", "x");
  assert.equal(clientMemory.mapped, 2);
  const first = regions.lease("a", 0, 1);
  await regions.unregister("system");
  assert.deepEqual(regions.systemStatus().map(({ name }) => name), ["a"]);
  // As in Triton, it is there until its last use ends.
  const second = regions.lease("a", 0, 1);
  await refuses(
    () => register("a"),
    "shared memory region 'a' already in manager",
    "ALREADY_EXISTS",
  );
  first.release();
  assert.equal(clientMemory.mapped, 1);
  second.release();
  assert.equal(clientMemory.mapped, 0);
  await register("a");
  const third = regions.lease("a", 0, 1);
  third.release();
  assert.equal(clientMemory.mapped, 1, "a region that was not unregistered stays");
});

test("the leases of a request end with it, or at once when it cannot be read", async () => {
  const { clientMemory, regions, register } = setup();
  await register("a");
  await register("b");
  const leases = new RegionLeases(regions);
  const { request } = leases.hold(() => {
    leases.find("a", 0, 1);
    leases.find("b", 0, 1);
    leases.find("b", 1, 1);
    return { request: REQUEST };
  });
  await regions.unregister("system");
  assert.equal(clientMemory.mapped, 2);
  request.onReleased?.();
  assert.equal(clientMemory.mapped, 0);

  await register("a");
  const failing = new RegionLeases(regions);
  assert.throws(() =>
    failing.hold(() => {
      failing.find("a", 0, 1);
      failing.find("a", 0, 10_000);
      return { request: REQUEST };
    })
  );
  await regions.unregister("system");
  assert.equal(clientMemory.mapped, 0);
  assert.equal(new RegionLeases(regions).hold(() => ({ request: REQUEST })).request, REQUEST);
});

test("sharedMemoryOf() gives all front ends of an engine the same regions", async () => {
  const clientMemory = new FakeMemory();
  clientMemory.objects.set("data", 4096);
  const engine = { clientMemory };
  const allowed = sharedMemoryOf(engine, true);
  const readOnly = sharedMemoryOf(engine, false);
  const region = { name: "a", key: "data", offset: 0, byteSize: 16 };
  const disabled = "Client shared memory is disabled. Start the server with " +
    "'--allow-client-shm=true' to enable.";
  await refuses(() => readOnly.registerSystem(region), disabled, "UNSUPPORTED");
  await refuses(
    () => readOnly.registerCuda({ ...region, deviceId: 0 }, HANDLE),
    disabled,
    "UNSUPPORTED",
  );
  await refuses(() => readOnly.unregister("system"), disabled, "UNSUPPORTED");
  assert.deepEqual(readOnly.systemStatus(), []);
  allowed.registerSystem(region);
  assert.equal(sharedMemoryOf(engine, true), allowed);
  assert.deepEqual(readOnly.systemStatus("a"), [region]);
  assert.deepEqual(readOnly.cudaStatus(), []);
  assert.equal(readOnly.lease("a", 4, 4).slice.byteSize, 4);
  assert.deepEqual(sharedMemoryOf({ clientMemory }, true).systemStatus(), []);
});
