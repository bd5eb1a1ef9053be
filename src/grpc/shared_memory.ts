/**
 * The status of shared-memory regions as messages.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  CudaSharedMemoryStatusResponseSchema,
  SystemSharedMemoryStatusResponseSchema,
} from "../../proto/gen/grpc_service_pb.ts";
import type { SharedMemoryRegions } from "../kserve/shared_memory.ts";

/** SystemSharedMemoryStatus of one region, or of all with an empty name. */
export function systemStatus(
  regions: SharedMemoryRegions,
  name: string,
): MessageInitShape<typeof SystemSharedMemoryStatusResponseSchema> {
  const found = regions.systemStatus(name || undefined);
  return {
    regions: Object.fromEntries(found.map((region) => [region.name, {
      name: region.name,
      key: region.key,
      offset: BigInt(region.offset),
      byteSize: BigInt(region.byteSize),
    }])),
  };
}

/** CudaSharedMemoryStatus of one region, or of all with an empty name. */
export function cudaStatus(
  regions: SharedMemoryRegions,
  name: string,
): MessageInitShape<typeof CudaSharedMemoryStatusResponseSchema> {
  const found = regions.cudaStatus(name || undefined);
  return {
    regions: Object.fromEntries(found.map((region) => [region.name, {
      name: region.name,
      deviceId: BigInt(region.deviceId),
      byteSize: BigInt(region.byteSize),
    }])),
  };
}
