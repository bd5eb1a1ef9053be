/**
 * Turns {@link ServerOptions} into the C API's options object. Everything that the C object leaves
 * uninitialised, or sets otherwise than documented in options.ts, is set here.
 *
 * @module
 */
import { cString, type Native } from "../../ffi/native.ts";
import type { TritonLocation } from "./locate.ts";
import type { ServerOptions, SettingGroups } from "./options.ts";

const CONTROL_MODES = { none: 0, poll: 1, explicit: 2 } as const;
const RATE_LIMITS = { off: 0, execution_count: 1 } as const;
const GPU_KIND = 2;

/** Makes an options object of the C API. The caller deletes it. */
export function makeNativeOptions(
  native: Native,
  options: ServerOptions,
  location: TritonLocation,
): number {
  const made = native.newOptions();
  try {
    setAll(native, made, options, location);
    return made;
  } catch (error) {
    native.deleteOptions(made);
    throw error;
  }
}

function setAll(native: Native, made: number, options: ServerOptions, at: TritonLocation): void {
  const text = (name: TextSetter, value: string | undefined) => {
    if (value !== undefined) {
      native.set(`TRITONSERVER_ServerOptionsSet${name}`, made, cString(value));
    }
  };
  const flag = (name: FlagSetter, value: boolean) =>
    native.set(`TRITONSERVER_ServerOptionsSet${name}`, made, value);
  const number = (name: NumberSetter, value: number | undefined) => {
    if (value !== undefined) native.set(`TRITONSERVER_ServerOptionsSet${name}`, made, value);
  };

  const { modelRepository } = options;
  for (const path of typeof modelRepository === "string" ? [modelRepository] : modelRepository) {
    text("ModelRepositoryPath", path);
  }
  text("ServerId", options.serverId);
  number("ModelControlMode", CONTROL_MODES[options.modelControlMode ?? "none"]);
  for (const model of options.startupModels ?? []) text("StartupModel", model);
  flag("StrictModelConfig", options.strictModelConfig ?? false);
  text("ModelConfigName", options.modelConfigName);
  number("RateLimiterMode", RATE_LIMITS[options.rateLimiterMode ?? "off"]);
  for (const { name, count, device } of options.rateLimiterResources ?? []) {
    native.set(
      "TRITONSERVER_ServerOptionsAddRateLimiterResource",
      made,
      cString(name),
      count,
      device ?? -1,
    );
  }
  number("PinnedMemoryPoolByteSize", options.pinnedMemoryPoolByteSize);
  for (const [device, size] of Object.entries(options.cudaMemoryPoolByteSizes ?? {})) {
    native.set("TRITONSERVER_ServerOptionsSetCudaMemoryPoolByteSize", made, Number(device), size);
  }
  for (const [device, size] of Object.entries(options.cudaVirtualAddressSizes ?? {})) {
    native.set("TRITONSERVER_ServerOptionsSetCudaVirtualAddressSize", made, Number(device), size);
  }
  for (const [cache, config] of Object.entries(options.cacheConfig ?? {})) {
    native.set(
      "TRITONSERVER_ServerOptionsSetCacheConfig",
      made,
      cString(cache),
      cString(JSON.stringify(config)),
    );
  }
  number("ResponseCacheByteSize", options.responseCacheByteSize);
  text("CacheDirectory", at.cacheDirectory);
  number("MinSupportedComputeCapability", options.minSupportedComputeCapability);
  flag("ExitOnError", options.exitOnError ?? true);
  flag("StrictReadiness", options.strictReadiness ?? true);
  number("BufferManagerThreadCount", options.bufferManagerThreadCount);
  number("ModelLoadThreadCount", options.modelLoadThreadCount);
  number("ModelLoadRetryCount", options.modelLoadRetryCount ?? 0);
  for (const { device, fraction } of options.modelLoadDeviceLimits ?? []) {
    native.set(
      "TRITONSERVER_ServerOptionsSetModelLoadDeviceLimit",
      made,
      GPU_KIND,
      device,
      fraction,
    );
  }
  flag("ModelNamespacing", options.modelNamespacing ?? false);
  flag("EnablePeerAccess", options.enablePeerAccess ?? true);
  text("BackendDirectory", at.backendDirectory);
  text("RepoAgentDirectory", options.repoAgentDirectory);

  flag("Metrics", options.metrics ?? true);
  flag("GpuMetrics", options.gpuMetrics ?? true);
  flag("CpuMetrics", options.cpuMetrics ?? true);
  number("MetricsInterval", options.metricsInterval);

  groups(native, made, "BackendConfig", options.backendConfig);
  groups(native, made, "HostPolicy", options.hostPolicies);
  groups(native, made, "MetricsConfig", options.metricsConfig);
}

type TextSetter =
  | "ModelRepositoryPath"
  | "ServerId"
  | "StartupModel"
  | "ModelConfigName"
  | "CacheDirectory"
  | "BackendDirectory"
  | "RepoAgentDirectory";

type FlagSetter =
  | "StrictModelConfig"
  | "ExitOnError"
  | "StrictReadiness"
  | "ModelNamespacing"
  | "EnablePeerAccess"
  | "Metrics"
  | "GpuMetrics"
  | "CpuMetrics";

type NumberSetter =
  | "ModelControlMode"
  | "RateLimiterMode"
  | "PinnedMemoryPoolByteSize"
  | "ResponseCacheByteSize"
  | "MinSupportedComputeCapability"
  | "BufferManagerThreadCount"
  | "ModelLoadThreadCount"
  | "ModelLoadRetryCount"
  | "MetricsInterval";

function groups(
  native: Native,
  made: number,
  name: "BackendConfig" | "HostPolicy" | "MetricsConfig",
  config: SettingGroups = {},
): void {
  for (const [group, settings] of Object.entries(config)) {
    for (const [setting, value] of Object.entries(settings)) {
      native.set(
        `TRITONSERVER_ServerOptionsSet${name}`,
        made,
        cString(group),
        cString(setting),
        cString(String(value)),
      );
    }
  }
}
