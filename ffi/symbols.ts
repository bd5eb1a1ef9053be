/**
 * The whole in-process C API of Triton (tritonserver.h, API version 1.34) as one table: every function
 * with the kinds of its parameters and of its result, in a vocabulary that both runtimes map when the
 * library is opened. The comment over an entry is its declaration; "err" is an owned
 * `TRITONSERVER_Error*`, NULL on success. Only this file changes when Triton's C API grows.
 *
 * @module
 */

/**
 * How a value crosses the boundary.
 *
 * - `ptr`: an address as a number, 0 for NULL
 * - `cstr`: a NUL-terminated text in a Uint8Array, null for NULL
 * - `out`: a Uint8Array that the function writes a value into
 * - `buf`: a Uint8Array that the function reads, null for NULL
 * - the rest: C numbers by size; enums of the C API are `i32`
 */
export type Kind =
  | "ptr"
  | "cstr"
  | "out"
  | "buf"
  | "i32"
  | "u32"
  | "i64"
  | "u64"
  | "usize"
  | "f64"
  | "bool"
  | "void";

/** One foreign function. */
export interface ForeignFunction {
  readonly args: readonly Kind[];
  readonly returns: Kind;
}

/** A library's functions by symbol name. */
export type SymbolTable = Readonly<Record<string, ForeignFunction>>;

/** The JavaScript type in which a parameter of each kind is given. */
export interface ArgumentTypes {
  ptr: number;
  cstr: Uint8Array | null;
  out: Uint8Array;
  buf: Uint8Array | null;
  i32: number;
  u32: number;
  i64: number | bigint;
  u64: number | bigint;
  usize: number | bigint;
  f64: number;
  bool: boolean;
  void: never;
}

/** The JavaScript type of a result; addresses come as whatever the runtime gives, see `address()`. */
export interface ResultTypes {
  ptr: number | bigint | null;
  cstr: never;
  out: never;
  buf: never;
  i32: number;
  u32: number;
  i64: bigint;
  u64: bigint;
  usize: bigint;
  f64: number;
  bool: boolean;
  void: void;
}

type Arguments<Kinds extends readonly Kind[]> = {
  -readonly [I in keyof Kinds]: ArgumentTypes[Kinds[I]];
};

/** The callable functions of a table. */
export type Functions<T extends SymbolTable> = {
  readonly [K in keyof T]: (...args: Arguments<T[K]["args"]>) => ResultTypes[T[K]["returns"]];
};

/** tritonserver.h. */
export const tritonserver = {
  // --- Version, types, log, errors ---
  // err ApiVersion(major out u32, minor out u32)
  TRITONSERVER_ApiVersion: { args: ["out", "out"], returns: "ptr" },
  // cstr (static) DataTypeString(datatype i32:DataType)
  TRITONSERVER_DataTypeString: { args: ["i32"], returns: "ptr" },
  // i32:DataType StringToDataType(dtype cstr)
  TRITONSERVER_StringToDataType: { args: ["cstr"], returns: "i32" },
  // u32 DataTypeByteSize(datatype i32:DataType)
  TRITONSERVER_DataTypeByteSize: { args: ["i32"], returns: "u32" },
  // cstr (static) MemoryTypeString(memtype i32:MemoryType)
  TRITONSERVER_MemoryTypeString: { args: ["i32"], returns: "ptr" },
  // cstr (static) ParameterTypeString(paramtype i32:ParameterType)
  TRITONSERVER_ParameterTypeString: { args: ["i32"], returns: "ptr" },
  // ptr:Parameter or NULL ParameterNew(name cstr, type i32:ParameterType, value ptr)
  TRITONSERVER_ParameterNew: { args: ["cstr", "i32", "buf"], returns: "ptr" },
  // ptr:Parameter or NULL ParameterBytesNew(name cstr, byte_ptr ptr, size u64)
  TRITONSERVER_ParameterBytesNew: { args: ["cstr", "buf", "u64"], returns: "ptr" },
  // void ParameterDelete(parameter ptr:Parameter)
  TRITONSERVER_ParameterDelete: { args: ["ptr"], returns: "void" },
  // cstr (static) InstanceGroupKindString(kind i32:InstanceGroupKind)
  TRITONSERVER_InstanceGroupKindString: { args: ["i32"], returns: "ptr" },
  // bool LogIsEnabled(level i32:LogLevel)
  TRITONSERVER_LogIsEnabled: { args: ["i32"], returns: "bool" },
  // err LogMessage(level i32:LogLevel, filename cstr, line i32, msg cstr)
  TRITONSERVER_LogMessage: { args: ["i32", "cstr", "i32", "cstr"], returns: "ptr" },
  // err ErrorNew(code i32:ErrorCode, msg cstr)
  TRITONSERVER_ErrorNew: { args: ["i32", "cstr"], returns: "ptr" },
  // void ErrorDelete(error ptr:Error)
  TRITONSERVER_ErrorDelete: { args: ["ptr"], returns: "void" },
  // i32:ErrorCode ErrorCode(error ptr:Error)
  TRITONSERVER_ErrorCode: { args: ["ptr"], returns: "i32" },
  // cstr (static) ErrorCodeString(error ptr:Error)
  TRITONSERVER_ErrorCodeString: { args: ["ptr"], returns: "ptr" },
  // cstr (static) ErrorMessage(error ptr:Error)
  TRITONSERVER_ErrorMessage: { args: ["ptr"], returns: "ptr" },
  // --- Response allocator ---
  // err ResponseAllocatorNew(allocator out ptr:ResponseAllocator, alloc_fn
  //   fn:ResponseAllocatorAllocFn, release_fn fn:ResponseAllocatorReleaseFn, start_fn
  //   fn:ResponseAllocatorStartFn)
  TRITONSERVER_ResponseAllocatorNew: { args: ["out", "ptr", "ptr", "ptr"], returns: "ptr" },
  // err ResponseAllocatorSetBufferAttributesFunction(allocator ptr:ResponseAllocator,
  //   buffer_attributes_fn fn:ResponseAllocatorBufferAttributesFn)
  TRITONSERVER_ResponseAllocatorSetBufferAttributesFunction: {
    args: ["ptr", "ptr"],
    returns: "ptr",
  },
  // err ResponseAllocatorSetQueryFunction(allocator ptr:ResponseAllocator, query_fn
  //   fn:ResponseAllocatorQueryFn)
  TRITONSERVER_ResponseAllocatorSetQueryFunction: { args: ["ptr", "ptr"], returns: "ptr" },
  // err ResponseAllocatorDelete(allocator ptr:ResponseAllocator)
  TRITONSERVER_ResponseAllocatorDelete: { args: ["ptr"], returns: "ptr" },
  // --- Messages and metrics text ---
  // err MessageNewFromSerializedJson(message out ptr:Message, base cstr, byte_size usize)
  TRITONSERVER_MessageNewFromSerializedJson: { args: ["out", "buf", "usize"], returns: "ptr" },
  // err MessageDelete(message ptr:Message)
  TRITONSERVER_MessageDelete: { args: ["ptr"], returns: "ptr" },
  // err MessageSerializeToJson(message ptr:Message, base out cstr, byte_size out usize)
  TRITONSERVER_MessageSerializeToJson: { args: ["ptr", "out", "out"], returns: "ptr" },
  // err MetricsDelete(metrics ptr:Metrics)
  TRITONSERVER_MetricsDelete: { args: ["ptr"], returns: "ptr" },
  // err MetricsFormatted(metrics ptr:Metrics, format i32:MetricFormat, base out cstr, byte_size
  //   out usize)
  TRITONSERVER_MetricsFormatted: { args: ["ptr", "i32", "out", "out"], returns: "ptr" },
  // --- Traces ---
  // cstr (static) InferenceTraceLevelString(level i32:TraceLevel)
  TRITONSERVER_InferenceTraceLevelString: { args: ["i32"], returns: "ptr" },
  // cstr (static) InferenceTraceActivityString(activity i32:TraceActivity)
  TRITONSERVER_InferenceTraceActivityString: { args: ["i32"], returns: "ptr" },
  // err InferenceTraceNew(trace out ptr:InferenceTrace, level i32:TraceLevel, parent_id u64,
  //   activity_fn fn:InferenceTraceActivityFn, release_fn fn:InferenceTraceReleaseFn, trace_userp
  //   ptr)
  TRITONSERVER_InferenceTraceNew: {
    args: ["out", "i32", "u64", "ptr", "ptr", "ptr"],
    returns: "ptr",
  },
  // err InferenceTraceTensorNew(trace out ptr:InferenceTrace, level i32:TraceLevel, parent_id
  //   u64, activity_fn fn:InferenceTraceActivityFn, tensor_activity_fn
  //   fn:InferenceTraceTensorActivityFn, release_fn fn:InferenceTraceReleaseFn, trace_userp ptr)
  TRITONSERVER_InferenceTraceTensorNew: {
    args: ["out", "i32", "u64", "ptr", "ptr", "ptr", "ptr"],
    returns: "ptr",
  },
  // err InferenceTraceReportActivity(trace ptr:InferenceTrace, timestamp u64, activity_name cstr)
  TRITONSERVER_InferenceTraceReportActivity: { args: ["ptr", "u64", "cstr"], returns: "ptr" },
  // err InferenceTraceDelete(trace ptr:InferenceTrace)
  TRITONSERVER_InferenceTraceDelete: { args: ["ptr"], returns: "ptr" },
  // err InferenceTraceId(trace ptr:InferenceTrace, id out u64)
  TRITONSERVER_InferenceTraceId: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceTraceParentId(trace ptr:InferenceTrace, parent_id out u64)
  TRITONSERVER_InferenceTraceParentId: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceTraceModelName(trace ptr:InferenceTrace, model_name out cstr)
  TRITONSERVER_InferenceTraceModelName: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceTraceModelVersion(trace ptr:InferenceTrace, model_version out i64)
  TRITONSERVER_InferenceTraceModelVersion: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceTraceRequestId(trace ptr:InferenceTrace, request_id out cstr)
  TRITONSERVER_InferenceTraceRequestId: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceTraceSpawnChildTrace(trace ptr:InferenceTrace, child_trace out
  //   ptr:InferenceTrace)
  TRITONSERVER_InferenceTraceSpawnChildTrace: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceTraceSetContext(trace ptr:InferenceTrace, trace_context cstr)
  TRITONSERVER_InferenceTraceSetContext: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceTraceContext(trace ptr:InferenceTrace, trace_context out cstr)
  TRITONSERVER_InferenceTraceContext: { args: ["ptr", "out"], returns: "ptr" },
  // --- Inference requests ---
  // err InferenceRequestNew(inference_request out ptr:InferenceRequest, server ptr:Server,
  //   model_name cstr, model_version i64)
  TRITONSERVER_InferenceRequestNew: { args: ["out", "ptr", "cstr", "i64"], returns: "ptr" },
  // err InferenceRequestDelete(inference_request ptr:InferenceRequest)
  TRITONSERVER_InferenceRequestDelete: { args: ["ptr"], returns: "ptr" },
  // err InferenceRequestId(inference_request ptr:InferenceRequest, id out cstr)
  TRITONSERVER_InferenceRequestId: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestSetId(inference_request ptr:InferenceRequest, id cstr)
  TRITONSERVER_InferenceRequestSetId: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestFlags(inference_request ptr:InferenceRequest, flags out u32)
  TRITONSERVER_InferenceRequestFlags: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestSetFlags(inference_request ptr:InferenceRequest, flags u32)
  TRITONSERVER_InferenceRequestSetFlags: { args: ["ptr", "u32"], returns: "ptr" },
  // err InferenceRequestCorrelationId(inference_request ptr:InferenceRequest, correlation_id out
  //   u64)
  TRITONSERVER_InferenceRequestCorrelationId: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestCorrelationIdString(inference_request ptr:InferenceRequest,
  //   correlation_id out cstr)
  TRITONSERVER_InferenceRequestCorrelationIdString: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestSetCorrelationId(inference_request ptr:InferenceRequest, correlation_id
  //   u64)
  TRITONSERVER_InferenceRequestSetCorrelationId: { args: ["ptr", "u64"], returns: "ptr" },
  // err InferenceRequestSetCorrelationIdString(inference_request ptr:InferenceRequest,
  //   correlation_id cstr)
  TRITONSERVER_InferenceRequestSetCorrelationIdString: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestCancel(inference_request ptr:InferenceRequest)
  TRITONSERVER_InferenceRequestCancel: { args: ["ptr"], returns: "ptr" },
  // err InferenceRequestIsCancelled(inference_request ptr:InferenceRequest, is_cancelled out
  //   bool)
  TRITONSERVER_InferenceRequestIsCancelled: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestPriority(inference_request ptr:InferenceRequest, priority out u32)
  TRITONSERVER_InferenceRequestPriority: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestPriorityUInt64(inference_request ptr:InferenceRequest, priority out u64)
  TRITONSERVER_InferenceRequestPriorityUInt64: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestSetPriority(inference_request ptr:InferenceRequest, priority u32)
  TRITONSERVER_InferenceRequestSetPriority: { args: ["ptr", "u32"], returns: "ptr" },
  // err InferenceRequestSetPriorityUInt64(inference_request ptr:InferenceRequest, priority u64)
  TRITONSERVER_InferenceRequestSetPriorityUInt64: { args: ["ptr", "u64"], returns: "ptr" },
  // err InferenceRequestTimeoutMicroseconds(inference_request ptr:InferenceRequest, timeout_us
  //   out u64)
  TRITONSERVER_InferenceRequestTimeoutMicroseconds: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceRequestSetTimeoutMicroseconds(inference_request ptr:InferenceRequest, timeout_us
  //   u64)
  TRITONSERVER_InferenceRequestSetTimeoutMicroseconds: { args: ["ptr", "u64"], returns: "ptr" },
  // err InferenceRequestAddInput(inference_request ptr:InferenceRequest, name cstr, datatype
  //   i32:DataType, shape array of i64, dim_count u64)
  TRITONSERVER_InferenceRequestAddInput: {
    args: ["ptr", "cstr", "i32", "buf", "u64"],
    returns: "ptr",
  },
  // err InferenceRequestAddRawInput(inference_request ptr:InferenceRequest, name cstr)
  TRITONSERVER_InferenceRequestAddRawInput: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestRemoveInput(inference_request ptr:InferenceRequest, name cstr)
  TRITONSERVER_InferenceRequestRemoveInput: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestRemoveAllInputs(inference_request ptr:InferenceRequest)
  TRITONSERVER_InferenceRequestRemoveAllInputs: { args: ["ptr"], returns: "ptr" },
  // err InferenceRequestAppendInputData(inference_request ptr:InferenceRequest, name cstr, base
  //   ptr, byte_size usize, memory_type i32:MemoryType, memory_type_id i64)
  TRITONSERVER_InferenceRequestAppendInputData: {
    args: ["ptr", "cstr", "ptr", "usize", "i32", "i64"],
    returns: "ptr",
  },
  // err InferenceRequestAppendInputDataWithHostPolicy(inference_request ptr:InferenceRequest,
  //   name cstr, base ptr, byte_size usize, memory_type i32:MemoryType, memory_type_id i64,
  //   host_policy_name cstr)
  TRITONSERVER_InferenceRequestAppendInputDataWithHostPolicy: {
    args: ["ptr", "cstr", "ptr", "usize", "i32", "i64", "cstr"],
    returns: "ptr",
  },
  // err InferenceRequestAppendInputDataWithBufferAttributes(inference_request
  //   ptr:InferenceRequest, name cstr, base ptr, buffer_attributes ptr:BufferAttributes)
  TRITONSERVER_InferenceRequestAppendInputDataWithBufferAttributes: {
    args: ["ptr", "cstr", "ptr", "ptr"],
    returns: "ptr",
  },
  // err InferenceRequestRemoveAllInputData(inference_request ptr:InferenceRequest, name cstr)
  TRITONSERVER_InferenceRequestRemoveAllInputData: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestAddRequestedOutput(inference_request ptr:InferenceRequest, name cstr)
  TRITONSERVER_InferenceRequestAddRequestedOutput: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestRemoveRequestedOutput(inference_request ptr:InferenceRequest, name cstr)
  TRITONSERVER_InferenceRequestRemoveRequestedOutput: { args: ["ptr", "cstr"], returns: "ptr" },
  // err InferenceRequestRemoveAllRequestedOutputs(inference_request ptr:InferenceRequest)
  TRITONSERVER_InferenceRequestRemoveAllRequestedOutputs: { args: ["ptr"], returns: "ptr" },
  // err InferenceRequestSetReleaseCallback(inference_request ptr:InferenceRequest,
  //   request_release_fn fn:InferenceRequestReleaseFn, request_release_userp ptr)
  TRITONSERVER_InferenceRequestSetReleaseCallback: { args: ["ptr", "ptr", "ptr"], returns: "ptr" },
  // err InferenceRequestSetResponseCallback(inference_request ptr:InferenceRequest,
  //   response_allocator ptr:ResponseAllocator, response_allocator_userp ptr, response_fn
  //   fn:InferenceResponseCompleteFn, response_userp ptr)
  TRITONSERVER_InferenceRequestSetResponseCallback: {
    args: ["ptr", "ptr", "ptr", "ptr", "ptr"],
    returns: "ptr",
  },
  // err InferenceRequestSetStringParameter(request ptr:InferenceRequest, key cstr, value cstr)
  TRITONSERVER_InferenceRequestSetStringParameter: {
    args: ["ptr", "cstr", "cstr"],
    returns: "ptr",
  },
  // err InferenceRequestSetIntParameter(request ptr:InferenceRequest, key cstr, value i64)
  TRITONSERVER_InferenceRequestSetIntParameter: { args: ["ptr", "cstr", "i64"], returns: "ptr" },
  // err InferenceRequestSetBoolParameter(request ptr:InferenceRequest, key cstr, value bool)
  TRITONSERVER_InferenceRequestSetBoolParameter: { args: ["ptr", "cstr", "bool"], returns: "ptr" },
  // err InferenceRequestSetDoubleParameter(request ptr:InferenceRequest, key cstr, value f64)
  TRITONSERVER_InferenceRequestSetDoubleParameter: { args: ["ptr", "cstr", "f64"], returns: "ptr" },
  // --- Inference responses ---
  // err InferenceResponseDelete(inference_response ptr:InferenceResponse)
  TRITONSERVER_InferenceResponseDelete: { args: ["ptr"], returns: "ptr" },
  // err InferenceResponseError(inference_response ptr:InferenceResponse)
  TRITONSERVER_InferenceResponseError: { args: ["ptr"], returns: "ptr" },
  // err InferenceResponseModel(inference_response ptr:InferenceResponse, model_name out cstr,
  //   model_version out i64)
  TRITONSERVER_InferenceResponseModel: { args: ["ptr", "out", "out"], returns: "ptr" },
  // err InferenceResponseId(inference_response ptr:InferenceResponse, request_id out cstr)
  TRITONSERVER_InferenceResponseId: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceResponseParameterCount(inference_response ptr:InferenceResponse, count out u32)
  TRITONSERVER_InferenceResponseParameterCount: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceResponseParameter(inference_response ptr:InferenceResponse, index u32, name out
  //   cstr, type out i32:ParameterType, vvalue out ptr)
  TRITONSERVER_InferenceResponseParameter: {
    args: ["ptr", "u32", "out", "out", "out"],
    returns: "ptr",
  },
  // err InferenceResponseOutputCount(inference_response ptr:InferenceResponse, count out u32)
  TRITONSERVER_InferenceResponseOutputCount: { args: ["ptr", "out"], returns: "ptr" },
  // err InferenceResponseOutput(inference_response ptr:InferenceResponse, index u32, name out
  //   cstr, datatype out i32:DataType, shape out ptr to i64 array, dim_count out u64, base out
  //   ptr, byte_size out usize, memory_type out i32:MemoryType, memory_type_id out i64, userp out
  //   ptr)
  TRITONSERVER_InferenceResponseOutput: {
    args: ["ptr", "u32", "out", "out", "out", "out", "out", "out", "out", "out", "out"],
    returns: "ptr",
  },
  // err InferenceResponseOutputClassificationLabel(inference_response ptr:InferenceResponse,
  //   index u32, class_index usize, label out cstr)
  TRITONSERVER_InferenceResponseOutputClassificationLabel: {
    args: ["ptr", "u32", "usize", "out"],
    returns: "ptr",
  },
  // --- Buffer attributes ---
  // err BufferAttributesNew(buffer_attributes out ptr:BufferAttributes)
  TRITONSERVER_BufferAttributesNew: { args: ["out"], returns: "ptr" },
  // err BufferAttributesDelete(buffer_attributes ptr:BufferAttributes)
  TRITONSERVER_BufferAttributesDelete: { args: ["ptr"], returns: "ptr" },
  // err BufferAttributesSetMemoryTypeId(buffer_attributes ptr:BufferAttributes, memory_type_id
  //   i64)
  TRITONSERVER_BufferAttributesSetMemoryTypeId: { args: ["ptr", "i64"], returns: "ptr" },
  // err BufferAttributesSetMemoryType(buffer_attributes ptr:BufferAttributes, memory_type
  //   i32:MemoryType)
  TRITONSERVER_BufferAttributesSetMemoryType: { args: ["ptr", "i32"], returns: "ptr" },
  // err BufferAttributesSetCudaIpcHandle(buffer_attributes ptr:BufferAttributes, cuda_ipc_handle
  //   ptr)
  TRITONSERVER_BufferAttributesSetCudaIpcHandle: { args: ["ptr", "ptr"], returns: "ptr" },
  // err BufferAttributesSetByteSize(buffer_attributes ptr:BufferAttributes, byte_size usize)
  TRITONSERVER_BufferAttributesSetByteSize: { args: ["ptr", "usize"], returns: "ptr" },
  // err BufferAttributesMemoryTypeId(buffer_attributes ptr:BufferAttributes, memory_type_id out
  //   i64)
  TRITONSERVER_BufferAttributesMemoryTypeId: { args: ["ptr", "out"], returns: "ptr" },
  // err BufferAttributesMemoryType(buffer_attributes ptr:BufferAttributes, memory_type out
  //   i32:MemoryType)
  TRITONSERVER_BufferAttributesMemoryType: { args: ["ptr", "out"], returns: "ptr" },
  // err BufferAttributesCudaIpcHandle(buffer_attributes ptr:BufferAttributes, cuda_ipc_handle out
  //   ptr)
  TRITONSERVER_BufferAttributesCudaIpcHandle: { args: ["ptr", "out"], returns: "ptr" },
  // err BufferAttributesByteSize(buffer_attributes ptr:BufferAttributes, byte_size out usize)
  TRITONSERVER_BufferAttributesByteSize: { args: ["ptr", "out"], returns: "ptr" },
  // --- Server options ---
  // err ServerOptionsNew(options out ptr:ServerOptions)
  TRITONSERVER_ServerOptionsNew: { args: ["out"], returns: "ptr" },
  // err ServerOptionsDelete(options ptr:ServerOptions)
  TRITONSERVER_ServerOptionsDelete: { args: ["ptr"], returns: "ptr" },
  // err ServerOptionsSetServerId(options ptr:ServerOptions, server_id cstr)
  TRITONSERVER_ServerOptionsSetServerId: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetModelRepositoryPath(options ptr:ServerOptions, model_repository_path
  //   cstr)
  TRITONSERVER_ServerOptionsSetModelRepositoryPath: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetModelControlMode(options ptr:ServerOptions, mode i32:ModelControlMode)
  TRITONSERVER_ServerOptionsSetModelControlMode: { args: ["ptr", "i32"], returns: "ptr" },
  // err ServerOptionsSetStartupModel(options ptr:ServerOptions, model_name cstr)
  TRITONSERVER_ServerOptionsSetStartupModel: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetStrictModelConfig(options ptr:ServerOptions, strict bool)
  TRITONSERVER_ServerOptionsSetStrictModelConfig: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetModelConfigName(options ptr:ServerOptions, model_config_name cstr)
  TRITONSERVER_ServerOptionsSetModelConfigName: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetRateLimiterMode(options ptr:ServerOptions, mode i32:RateLimitMode)
  TRITONSERVER_ServerOptionsSetRateLimiterMode: { args: ["ptr", "i32"], returns: "ptr" },
  // err ServerOptionsAddRateLimiterResource(options ptr:ServerOptions, resource_name cstr,
  //   resource_count usize, device i32)
  TRITONSERVER_ServerOptionsAddRateLimiterResource: {
    args: ["ptr", "cstr", "usize", "i32"],
    returns: "ptr",
  },
  // err ServerOptionsSetPinnedMemoryPoolByteSize(options ptr:ServerOptions, size u64)
  TRITONSERVER_ServerOptionsSetPinnedMemoryPoolByteSize: { args: ["ptr", "u64"], returns: "ptr" },
  // err ServerOptionsSetCudaMemoryPoolByteSize(options ptr:ServerOptions, gpu_device i32, size
  //   u64)
  TRITONSERVER_ServerOptionsSetCudaMemoryPoolByteSize: {
    args: ["ptr", "i32", "u64"],
    returns: "ptr",
  },
  // err ServerOptionsSetCudaVirtualAddressSize(options ptr:ServerOptions, gpu_device i32,
  //   cuda_virtual_address_size usize)
  TRITONSERVER_ServerOptionsSetCudaVirtualAddressSize: {
    args: ["ptr", "i32", "usize"],
    returns: "ptr",
  },
  // err ServerOptionsSetResponseCacheByteSize(options ptr:ServerOptions, size u64)
  TRITONSERVER_ServerOptionsSetResponseCacheByteSize: { args: ["ptr", "u64"], returns: "ptr" },
  // err ServerOptionsSetCacheConfig(options ptr:ServerOptions, cache_name cstr, config_json cstr)
  TRITONSERVER_ServerOptionsSetCacheConfig: { args: ["ptr", "cstr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetCacheDirectory(options ptr:ServerOptions, cache_dir cstr)
  TRITONSERVER_ServerOptionsSetCacheDirectory: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetMinSupportedComputeCapability(options ptr:ServerOptions, cc f64)
  TRITONSERVER_ServerOptionsSetMinSupportedComputeCapability: {
    args: ["ptr", "f64"],
    returns: "ptr",
  },
  // err ServerOptionsSetExitOnError(options ptr:ServerOptions, exit bool)
  TRITONSERVER_ServerOptionsSetExitOnError: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetStrictReadiness(options ptr:ServerOptions, strict bool)
  TRITONSERVER_ServerOptionsSetStrictReadiness: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetExitTimeout(options ptr:ServerOptions, timeout u32)
  TRITONSERVER_ServerOptionsSetExitTimeout: { args: ["ptr", "u32"], returns: "ptr" },
  // err ServerOptionsSetBufferManagerThreadCount(options ptr:ServerOptions, thread_count u32)
  TRITONSERVER_ServerOptionsSetBufferManagerThreadCount: { args: ["ptr", "u32"], returns: "ptr" },
  // err ServerOptionsSetModelLoadThreadCount(options ptr:ServerOptions, thread_count u32)
  TRITONSERVER_ServerOptionsSetModelLoadThreadCount: { args: ["ptr", "u32"], returns: "ptr" },
  // err ServerOptionsSetModelLoadRetryCount(options ptr:ServerOptions, retry_count u32)
  TRITONSERVER_ServerOptionsSetModelLoadRetryCount: { args: ["ptr", "u32"], returns: "ptr" },
  // err ServerOptionsSetModelNamespacing(options ptr:ServerOptions, enable_namespace bool)
  TRITONSERVER_ServerOptionsSetModelNamespacing: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetEnablePeerAccess(options ptr:ServerOptions, enable_peer_access bool)
  TRITONSERVER_ServerOptionsSetEnablePeerAccess: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetLogFile(options ptr:ServerOptions, file cstr)
  TRITONSERVER_ServerOptionsSetLogFile: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetLogInfo(options ptr:ServerOptions, log bool)
  TRITONSERVER_ServerOptionsSetLogInfo: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetLogWarn(options ptr:ServerOptions, log bool)
  TRITONSERVER_ServerOptionsSetLogWarn: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetLogError(options ptr:ServerOptions, log bool)
  TRITONSERVER_ServerOptionsSetLogError: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetLogFormat(options ptr:ServerOptions, format i32:LogFormat)
  TRITONSERVER_ServerOptionsSetLogFormat: { args: ["ptr", "i32"], returns: "ptr" },
  // err ServerOptionsSetLogVerbose(options ptr:ServerOptions, level i32)
  TRITONSERVER_ServerOptionsSetLogVerbose: { args: ["ptr", "i32"], returns: "ptr" },
  // err ServerOptionsSetMetrics(options ptr:ServerOptions, metrics bool)
  TRITONSERVER_ServerOptionsSetMetrics: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetGpuMetrics(options ptr:ServerOptions, gpu_metrics bool)
  TRITONSERVER_ServerOptionsSetGpuMetrics: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetCpuMetrics(options ptr:ServerOptions, cpu_metrics bool)
  TRITONSERVER_ServerOptionsSetCpuMetrics: { args: ["ptr", "bool"], returns: "ptr" },
  // err ServerOptionsSetMetricsInterval(options ptr:ServerOptions, metrics_interval_ms u64)
  TRITONSERVER_ServerOptionsSetMetricsInterval: { args: ["ptr", "u64"], returns: "ptr" },
  // err ServerOptionsSetBackendDirectory(options ptr:ServerOptions, backend_dir cstr)
  TRITONSERVER_ServerOptionsSetBackendDirectory: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetRepoAgentDirectory(options ptr:ServerOptions, repoagent_dir cstr)
  TRITONSERVER_ServerOptionsSetRepoAgentDirectory: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerOptionsSetModelLoadDeviceLimit(options ptr:ServerOptions, kind
  //   i32:InstanceGroupKind, device_id i32, fraction f64)
  TRITONSERVER_ServerOptionsSetModelLoadDeviceLimit: {
    args: ["ptr", "i32", "i32", "f64"],
    returns: "ptr",
  },
  // err ServerOptionsSetBackendConfig(options ptr:ServerOptions, backend_name cstr, setting cstr,
  //   value cstr)
  TRITONSERVER_ServerOptionsSetBackendConfig: {
    args: ["ptr", "cstr", "cstr", "cstr"],
    returns: "ptr",
  },
  // err ServerOptionsSetHostPolicy(options ptr:ServerOptions, policy_name cstr, setting cstr,
  //   value cstr)
  TRITONSERVER_ServerOptionsSetHostPolicy: {
    args: ["ptr", "cstr", "cstr", "cstr"],
    returns: "ptr",
  },
  // err ServerOptionsSetMetricsConfig(options ptr:ServerOptions, name cstr, setting cstr, value
  //   cstr)
  TRITONSERVER_ServerOptionsSetMetricsConfig: {
    args: ["ptr", "cstr", "cstr", "cstr"],
    returns: "ptr",
  },
  // --- Server ---
  // err ServerNew(server out ptr:Server, options ptr:ServerOptions)
  TRITONSERVER_ServerNew: { args: ["out", "ptr"], returns: "ptr" },
  // err ServerDelete(server ptr:Server)
  TRITONSERVER_ServerDelete: { args: ["ptr"], returns: "ptr" },
  // err ServerStop(server ptr:Server)
  TRITONSERVER_ServerStop: { args: ["ptr"], returns: "ptr" },
  // err ServerSetExitTimeout(server ptr:Server, timeout u32)
  TRITONSERVER_ServerSetExitTimeout: { args: ["ptr", "u32"], returns: "ptr" },
  // err ServerRegisterModelRepository(server ptr:Server, repository_path cstr, name_mapping ptr
  //   to array of ptr:Parameter, mapping_count u32)
  TRITONSERVER_ServerRegisterModelRepository: {
    args: ["ptr", "cstr", "buf", "u32"],
    returns: "ptr",
  },
  // err ServerUnregisterModelRepository(server ptr:Server, repository_path cstr)
  TRITONSERVER_ServerUnregisterModelRepository: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerPollModelRepository(server ptr:Server)
  TRITONSERVER_ServerPollModelRepository: { args: ["ptr"], returns: "ptr" },
  // err ServerIsLive(server ptr:Server, live out bool)
  TRITONSERVER_ServerIsLive: { args: ["ptr", "out"], returns: "ptr" },
  // err ServerIsReady(server ptr:Server, ready out bool)
  TRITONSERVER_ServerIsReady: { args: ["ptr", "out"], returns: "ptr" },
  // err ServerModelIsReady(server ptr:Server, model_name cstr, model_version i64, ready out bool)
  TRITONSERVER_ServerModelIsReady: { args: ["ptr", "cstr", "i64", "out"], returns: "ptr" },
  // err ServerModelBatchProperties(server ptr:Server, model_name cstr, model_version i64, flags
  //   out u32, voidp out ptr)
  TRITONSERVER_ServerModelBatchProperties: {
    args: ["ptr", "cstr", "i64", "out", "out"],
    returns: "ptr",
  },
  // err ServerModelTransactionProperties(server ptr:Server, model_name cstr, model_version i64,
  //   txn_flags out u32, voidp out ptr)
  TRITONSERVER_ServerModelTransactionProperties: {
    args: ["ptr", "cstr", "i64", "out", "out"],
    returns: "ptr",
  },
  // err ServerMetadata(server ptr:Server, server_metadata out ptr:Message)
  TRITONSERVER_ServerMetadata: { args: ["ptr", "out"], returns: "ptr" },
  // err ServerModelMetadata(server ptr:Server, model_name cstr, model_version i64, model_metadata
  //   out ptr:Message)
  TRITONSERVER_ServerModelMetadata: { args: ["ptr", "cstr", "i64", "out"], returns: "ptr" },
  // err ServerModelStatistics(server ptr:Server, model_name cstr, model_version i64, model_stats
  //   out ptr:Message)
  TRITONSERVER_ServerModelStatistics: { args: ["ptr", "cstr", "i64", "out"], returns: "ptr" },
  // err ServerModelConfig(server ptr:Server, model_name cstr, model_version i64, config_version
  //   u32, model_config out ptr:Message)
  TRITONSERVER_ServerModelConfig: { args: ["ptr", "cstr", "i64", "u32", "out"], returns: "ptr" },
  // err ServerModelIndex(server ptr:Server, flags u32, model_index out ptr:Message)
  TRITONSERVER_ServerModelIndex: { args: ["ptr", "u32", "out"], returns: "ptr" },
  // err ServerLoadModel(server ptr:Server, model_name cstr)
  TRITONSERVER_ServerLoadModel: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerLoadModelWithParameters(server ptr:Server, model_name cstr, parameters ptr to array
  //   of ptr:Parameter, parameter_count u64)
  TRITONSERVER_ServerLoadModelWithParameters: {
    args: ["ptr", "cstr", "buf", "u64"],
    returns: "ptr",
  },
  // err ServerUnloadModel(server ptr:Server, model_name cstr)
  TRITONSERVER_ServerUnloadModel: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerUnloadModelAndDependents(server ptr:Server, model_name cstr)
  TRITONSERVER_ServerUnloadModelAndDependents: { args: ["ptr", "cstr"], returns: "ptr" },
  // err ServerMetrics(server ptr:Server, metrics out ptr:Metrics)
  TRITONSERVER_ServerMetrics: { args: ["ptr", "out"], returns: "ptr" },
  // err ServerInferAsync(server ptr:Server, inference_request ptr:InferenceRequest, trace
  //   ptr:InferenceTrace)
  TRITONSERVER_ServerInferAsync: { args: ["ptr", "ptr", "ptr"], returns: "ptr" },
  // --- Custom metrics ---
  // err MetricFamilyNew(family out ptr:MetricFamily, kind i32:MetricKind, name cstr, description
  //   cstr)
  TRITONSERVER_MetricFamilyNew: { args: ["out", "i32", "cstr", "cstr"], returns: "ptr" },
  // err MetricFamilyDelete(family ptr:MetricFamily)
  TRITONSERVER_MetricFamilyDelete: { args: ["ptr"], returns: "ptr" },
  // err GetMetricFamilyKind(family ptr:MetricFamily, kind out i32:MetricKind)
  TRITONSERVER_GetMetricFamilyKind: { args: ["ptr", "out"], returns: "ptr" },
  // err MetricArgsNew(args out ptr:MetricArgs)
  TRITONSERVER_MetricArgsNew: { args: ["out"], returns: "ptr" },
  // err MetricArgsSetHistogram(args ptr:MetricArgs, buckets array of f64, buckets_count u64)
  TRITONSERVER_MetricArgsSetHistogram: { args: ["ptr", "buf", "u64"], returns: "ptr" },
  // err MetricArgsDelete(args ptr:MetricArgs)
  TRITONSERVER_MetricArgsDelete: { args: ["ptr"], returns: "ptr" },
  // err MetricNew(metric out ptr:Metric, family ptr:MetricFamily, labels ptr to array of
  //   ptr:Parameter, label_count u64)
  TRITONSERVER_MetricNew: { args: ["out", "ptr", "buf", "u64"], returns: "ptr" },
  // err MetricNewWithArgs(metric out ptr:Metric, family ptr:MetricFamily, labels ptr to array of
  //   ptr:Parameter, label_count u64, args ptr:MetricArgs)
  TRITONSERVER_MetricNewWithArgs: { args: ["out", "ptr", "buf", "u64", "ptr"], returns: "ptr" },
  // err MetricDelete(metric ptr:Metric)
  TRITONSERVER_MetricDelete: { args: ["ptr"], returns: "ptr" },
  // err MetricValue(metric ptr:Metric, value out f64)
  TRITONSERVER_MetricValue: { args: ["ptr", "out"], returns: "ptr" },
  // err MetricIncrement(metric ptr:Metric, value f64)
  TRITONSERVER_MetricIncrement: { args: ["ptr", "f64"], returns: "ptr" },
  // err MetricSet(metric ptr:Metric, value f64)
  TRITONSERVER_MetricSet: { args: ["ptr", "f64"], returns: "ptr" },
  // err MetricObserve(metric ptr:Metric, value f64)
  TRITONSERVER_MetricObserve: { args: ["ptr", "f64"], returns: "ptr" },
  // err GetMetricKind(metric ptr:Metric, kind out i32:MetricKind)
  TRITONSERVER_GetMetricKind: { args: ["ptr", "out"], returns: "ptr" },
} as const satisfies SymbolTable;
