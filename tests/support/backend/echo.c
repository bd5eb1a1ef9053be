/* A Triton backend for tests and benchmarks: OUTPUT<k> = INPUT<k>, byte for byte, so that what is
 * measured or tested is not a model. Request parameters (integers) change what it does:
 *   delay_us   how long each response takes; a cancelled request ends at once with CANCELLED
 *   responses  how many responses a decoupled model sends, 0 to ...; default 1
 *   fail_at    the response, counted from 1, that is an error instead
 *   stubborn   if not 0, it does not care for being cancelled
 *   report     if not 0, responses have the parameters begun, finished and cancelled: how many requests
 *              without this parameter all models of the process have begun and how they ended
 * Own declarations of the few backend-API entry points used; the symbols come from the library that the
 * process has loaded. */
#include <stdint.h>
#include <string.h>
#include <time.h>

typedef void Error;
Error* TRITONBACKEND_ResponseFactoryNew(void** factory, void* request);
Error* TRITONBACKEND_ResponseFactoryDelete(void* factory);
Error* TRITONBACKEND_ResponseFactorySendFlags(void* factory, uint32_t flags);
Error* TRITONBACKEND_ResponseNewFromFactory(void** response, void* factory);
Error* TRITONBACKEND_RequestInputCount(void* request, uint32_t* count);
Error* TRITONBACKEND_RequestInputByIndex(void* request, uint32_t index, void** input);
Error* TRITONBACKEND_RequestIsCancelled(void* request, _Bool* cancelled);
Error* TRITONBACKEND_RequestParameterCount(void* request, uint32_t* count);
Error* TRITONBACKEND_RequestParameter(void* request, uint32_t index, const char** key, int* type, const void** value);
Error* TRITONBACKEND_InputProperties(void* input, const char** name, int* datatype, const int64_t** shape,
    uint32_t* dims, uint64_t* byte_size, uint32_t* buffers);
Error* TRITONBACKEND_InputBuffer(void* input, uint32_t index, const void** buffer, uint64_t* byte_size,
    int* memory_type, int64_t* memory_id);
Error* TRITONBACKEND_ResponseOutput(void* response, void** output, const char* name, int datatype,
    const int64_t* shape, uint32_t dims);
Error* TRITONBACKEND_OutputBuffer(void* output, void** buffer, uint64_t byte_size, int* memory_type, int64_t* memory_id);
Error* TRITONBACKEND_ResponseSend(void* response, uint32_t flags, Error* error);
Error* TRITONBACKEND_ResponseSetStringParameter(void* response, const char* name, const char* value);
Error* TRITONBACKEND_ResponseSetIntParameter(void* response, const char* name, int64_t value);
Error* TRITONBACKEND_ResponseSetBoolParameter(void* response, const char* name, _Bool value);
Error* TRITONBACKEND_RequestRelease(void* request, uint32_t flags);
Error* TRITONSERVER_ErrorNew(int code, const char* message);
void TRITONSERVER_ErrorDelete(Error* error);

enum { FINAL = 1, RELEASE_ALL = 1, INTERNAL = 1, CANCELLED = 7, PARAMETER_INT = 1 };

typedef struct { int64_t delay_us, responses, fail_at, stubborn, with_parameters, report; } Behaviour;

static int64_t begun, finished, cancelled_early;

static void bump(int64_t* counter) { __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED); }
static int64_t counted(int64_t* counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

static void drop(Error* error) { if (error) TRITONSERVER_ErrorDelete(error); }

static Behaviour behaviour_of(void* request) {
  Behaviour behaviour = {0, 1, 0, 0, 0, 0};
  uint32_t count = 0;
  drop(TRITONBACKEND_RequestParameterCount(request, &count));
  for (uint32_t i = 0; i < count; i++) {
    const char* key; int type; const void* value;
    Error* failed = TRITONBACKEND_RequestParameter(request, i, &key, &type, &value);
    if (failed || type != PARAMETER_INT) { drop(failed); continue; }
    int64_t number = *(const int64_t*)value;
    if (!strcmp(key, "delay_us")) behaviour.delay_us = number;
    if (!strcmp(key, "responses")) behaviour.responses = number;
    if (!strcmp(key, "fail_at")) behaviour.fail_at = number;
    if (!strcmp(key, "stubborn")) behaviour.stubborn = number;
    if (!strcmp(key, "with_parameters")) behaviour.with_parameters = number;
    if (!strcmp(key, "report")) behaviour.report = number;
  }
  return behaviour;
}

/* Waits in steps of a millisecond at the most; an error when the request is cancelled meanwhile. */
static Error* wait_for(void* request, int64_t us, int64_t stubborn) {
  while (us > 0) {
    int64_t step = us < 1000 ? us : 1000;
    struct timespec time = {0, step * 1000};
    nanosleep(&time, 0);
    us -= step;
    _Bool cancelled = 0;
    drop(TRITONBACKEND_RequestIsCancelled(request, &cancelled));
    if (cancelled && !stubborn) return TRITONSERVER_ErrorNew(CANCELLED, "echo was cancelled");
  }
  return 0;
}

static Error* copy_inputs(void* request, void* response) {
  uint32_t inputs = 0;
  Error* failed = TRITONBACKEND_RequestInputCount(request, &inputs);
  for (uint32_t i = 0; !failed && i < inputs; i++) {
    void* input; const char* name; int type; const int64_t* shape; uint32_t dims, buffers; uint64_t bytes;
    failed = TRITONBACKEND_RequestInputByIndex(request, i, &input);
    if (!failed) failed = TRITONBACKEND_InputProperties(input, &name, &type, &shape, &dims, &bytes, &buffers);
    char output_name[64] = "OUTPUT";
    void* output; void* target; int memory_type = 0; int64_t memory_id = 0;
    if (!failed) strncat(output_name, strlen(name) > 5 ? name + 5 : name, 32);
    if (!failed) failed = TRITONBACKEND_ResponseOutput(response, &output, output_name, type, shape, dims);
    if (!failed) failed = TRITONBACKEND_OutputBuffer(output, &target, bytes, &memory_type, &memory_id);
    uint64_t at = 0;
    for (uint32_t b = 0; !failed && b < buffers; b++) {
      const void* source; uint64_t size; int source_type = 0; int64_t source_id = 0;
      failed = TRITONBACKEND_InputBuffer(input, b, &source, &size, &source_type, &source_id);
      if (!failed) { memcpy((char*)target + at, source, size); at += size; }
    }
  }
  return failed;
}

static void run(void* request) {
  Behaviour behaviour = behaviour_of(request);
  void* factory = 0;
  Error* failed = TRITONBACKEND_ResponseFactoryNew(&factory, request);
  if (failed) { drop(failed); return; }
  int is_cancelled = 0;
  if (!behaviour.report) bump(&begun);
  if (behaviour.responses == 0) drop(TRITONBACKEND_ResponseFactorySendFlags(factory, FINAL));
  for (int64_t i = 1; i <= behaviour.responses; i++) {
    void* response = 0;
    failed = wait_for(request, behaviour.delay_us, behaviour.stubborn);
    int stop = failed != 0;
    is_cancelled |= stop;
    drop(TRITONBACKEND_ResponseNewFromFactory(&response, factory));
    if (!failed && i == behaviour.fail_at) failed = TRITONSERVER_ErrorNew(INTERNAL, "echo was told to fail");
    if (!failed) failed = copy_inputs(request, response);
    if (!failed && behaviour.with_parameters) {
      drop(TRITONBACKEND_ResponseSetStringParameter(response, "text", "echo"));
      drop(TRITONBACKEND_ResponseSetIntParameter(response, "index", i));
      drop(TRITONBACKEND_ResponseSetBoolParameter(response, "last", i == behaviour.responses));
    }
    if (!failed && behaviour.report) {
      drop(TRITONBACKEND_ResponseSetIntParameter(response, "begun", counted(&begun)));
      drop(TRITONBACKEND_ResponseSetIntParameter(response, "finished", counted(&finished)));
      drop(TRITONBACKEND_ResponseSetIntParameter(response, "cancelled", counted(&cancelled_early)));
    }
    uint32_t flags = stop || i == behaviour.responses ? FINAL : 0;
    drop(TRITONBACKEND_ResponseSend(response, flags, failed));
    drop(failed);
    if (stop) break;
  }
  drop(TRITONBACKEND_ResponseFactoryDelete(factory));
  if (!behaviour.report) bump(is_cancelled ? &cancelled_early : &finished);
}

Error* TRITONBACKEND_ModelInstanceExecute(void* instance, void** requests, const uint32_t count) {
  (void)instance;
  for (uint32_t i = 0; i < count; i++) {
    run(requests[i]);
    drop(TRITONBACKEND_RequestRelease(requests[i], RELEASE_ALL));
  }
  return 0;
}
