/**
 * Shared-memory requests and answers as JSON.
 *
 * @module
 */
import { TritonError } from "../errors.ts";
import { cString } from "./c_string.ts";
import { parseJson } from "./json/value.ts";
import { JsonWriter } from "./json/writer.ts";
import { decodeBase64 } from "./load_request.ts";
import type { RegionKind, SharedMemoryRegions } from "./shared_memory.ts";

const CUDA_HANDLE_SIZE = 64;

/** Registers the system region that `body` describes as `name`. Rejects with Triton's texts. */
export async function registerSystem(
  regions: SharedMemoryRegions,
  name: string | undefined,
  body: Uint8Array,
): Promise<void> {
  await checkEnabled(regions);
  if (name === undefined) throw noNameError("system");
  const json = parseJson(body);
  const key = json.member("key");
  if (key === undefined) throw noFieldError("key");
  const keyText = cString(key.asString());
  const offset = json.member("offset")?.asUint64() ?? 0;
  const byteSize = json.member("byte_size");
  if (byteSize === undefined) throw noFieldError("byte_size");
  await regions.registerSystem({ name, key: keyText, offset, byteSize: byteSize.asUint64() });
}

/** Registers the CUDA region that `body` describes as `name`. Rejects with Triton's texts. */
export async function registerCuda(
  regions: SharedMemoryRegions,
  name: string | undefined,
  body: Uint8Array,
): Promise<void> {
  await checkEnabled(regions);
  if (name === undefined) throw noNameError("cuda");
  const json = parseJson(body);
  const rawHandle = json.member("raw_handle");
  if (rawHandle === undefined) throw noFieldError("raw_handle");
  const handle = decodeBase64(rawHandle.requiredMember("b64").asBytes());
  const byteSize = json.requiredMember("byte_size").asUint64();
  const deviceId = json.requiredMember("device_id").asUint64();
  if (handle.length !== CUDA_HANDLE_SIZE) {
    throw new TritonError(
      "INVALID_ARG",
      "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t",
    );
  }
  await regions.registerCuda({ name, deviceId, byteSize }, handle);
}

/** A server without client shared memory says so before it looks at the request. */
async function checkEnabled(regions: SharedMemoryRegions): Promise<void> {
  if (!regions.isEnabled) {
    await regions.registerSystem({ name: "", key: "", offset: 0, byteSize: 0 });
  }
}

function noNameError(kind: RegionKind): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `'region name' is necessary to register ${kind} shared memory region`,
  );
}

function noFieldError(field: string): TritonError {
  return new TritonError(
    "INVALID_ARG",
    `Shared memory register request has no '${field}' field`,
  );
}

/** The status of the system regions, or of the one called `name`. */
export function systemStatusJson(
  regions: SharedMemoryRegions,
  name: string | undefined,
): Uint8Array<ArrayBuffer> {
  return list(regions.systemStatus(name), (writer, region) => {
    writer.raw('{"name":').string(region.name).raw(',"key":').string(region.key);
    writer.raw(',"offset":').integer(region.offset);
    writer.raw(',"byte_size":').integer(region.byteSize).raw("}");
  });
}

/** The status of the CUDA regions, or of the one called `name`. */
export function cudaStatusJson(
  regions: SharedMemoryRegions,
  name: string | undefined,
): Uint8Array<ArrayBuffer> {
  return list(regions.cudaStatus(name), (writer, region) => {
    writer.raw('{"name":').string(region.name);
    writer.raw(',"device_id":').integer(region.deviceId);
    writer.raw(',"byte_size":').integer(region.byteSize).raw("}");
  });
}

function list<Item>(
  items: readonly Item[],
  write: (writer: JsonWriter, item: Item) => void,
): Uint8Array<ArrayBuffer> {
  const writer = new JsonWriter().raw("[");
  items.forEach((item, index) => {
    if (index > 0) writer.raw(",");
    write(writer, item);
  });
  return writer.raw("]").bytes();
}
