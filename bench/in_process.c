/* The limit for inference in the same process: a loop in C over the same API, with the same number of
 * requests in flight, that makes each request anew, reads its output and sends the next one from one
 * thread.
 *
 *   in_process LIBRARY MODELS BACKENDS IN_FLIGHT SECONDS
 *
 * Own declarations of the functions used; they are resolved from LIBRARY. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void Error;
#define FUNCTIONS(X) \
  X(const char*, ErrorMessage, (Error*)) \
  X(Error*, ServerOptionsNew, (void**)) \
  X(Error*, ServerOptionsSetModelRepositoryPath, (void*, const char*)) \
  X(Error*, ServerOptionsSetBackendDirectory, (void*, const char*)) \
  X(Error*, ServerOptionsSetLogInfo, (void*, _Bool)) \
  X(Error*, ServerOptionsSetLogWarn, (void*, _Bool)) \
  X(Error*, ServerOptionsSetLogError, (void*, _Bool)) \
  X(Error*, ServerNew, (void**, void*)) \
  X(Error*, ServerStop, (void*)) \
  X(Error*, ResponseAllocatorNew, (void**, void*, void*, void*)) \
  X(Error*, InferenceRequestNew, (void**, void*, const char*, int64_t)) \
  X(Error*, InferenceRequestDelete, (void*)) \
  X(Error*, InferenceRequestAddInput, (void*, const char*, int, const int64_t*, uint64_t)) \
  X(Error*, InferenceRequestAppendInputData, (void*, const char*, const void*, size_t, int, int64_t)) \
  X(Error*, InferenceRequestSetReleaseCallback, (void*, void*, void*)) \
  X(Error*, InferenceRequestSetResponseCallback, (void*, void*, void*, void*, void*)) \
  X(Error*, ServerInferAsync, (void*, void*, void*)) \
  X(Error*, InferenceResponseError, (void*)) \
  X(Error*, InferenceResponseOutput, (void*, uint32_t, const char**, int*, const int64_t**, uint64_t*, \
      const void**, size_t*, int*, int64_t*, void**)) \
  X(Error*, InferenceResponseDelete, (void*))

#define DECLARE(result, name, parameters) static result(*T_##name) parameters;
FUNCTIONS(DECLARE)

enum { FP32 = 11, CPU = 0 };

static void check(Error* error) {
  if (!error) return;
  fprintf(stderr, "%s\n", T_ErrorMessage(error));
  exit(1);
}

static Error* on_allocate(void* self, const char* name, size_t size, int type, int64_t id, void* userp, void** buffer,
    void** buffer_userp, int* actual_type, int64_t* actual_id) {
  (void)self; (void)name; (void)type; (void)id; (void)userp;
  *buffer = malloc(size ? size : 1);
  *buffer_userp = 0;
  *actual_type = CPU;
  *actual_id = 0;
  return 0;
}

static Error* on_free(void* self, void* buffer, void* userp, size_t size, int type, int64_t id) {
  (void)self; (void)userp; (void)size; (void)type; (void)id;
  free(buffer);
  return 0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long answered;

static void on_release(void* request, uint32_t flags, void* userp) {
  (void)userp;
  if (flags & 1) check(T_InferenceRequestDelete(request));
}

static void on_response(void* response, uint32_t flags, void* userp) {
  (void)userp;
  if (response) {
    check(T_InferenceResponseError(response));
    const char* name; int datatype, type; const int64_t* shape; uint64_t dims; const void* base; size_t size;
    int64_t id; void* buffer_userp;
    check(T_InferenceResponseOutput(response, 0, &name, &datatype, &shape, &dims, &base, &size, &type, &id,
        &buffer_userp));
    if (((const float*)base)[0] != 1.5f) exit(1);
    check(T_InferenceResponseDelete(response));
  }
  if (!(flags & 1)) return;
  pthread_mutex_lock(&lock);
  if (answered++ == 0) pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void* server;
static void* allocator;
static float data[16];

static void submit(void) {
  static const int64_t shape[] = {16};
  void* request;
  check(T_InferenceRequestNew(&request, server, "echo", -1));
  check(T_InferenceRequestAddInput(request, "INPUT0", FP32, shape, 1));
  check(T_InferenceRequestAppendInputData(request, "INPUT0", data, sizeof data, CPU, 0));
  check(T_InferenceRequestSetReleaseCallback(request, (void*)on_release, 0));
  check(T_InferenceRequestSetResponseCallback(request, allocator, 0, (void*)on_response, 0));
  check(T_ServerInferAsync(server, request, 0));
}

static double now(int clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char** argument) {
  if (count != 6) return 2;
  void* library = dlopen(argument[1], RTLD_NOW);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
#define RESOLVE(result, name, parameters) T_##name = (result(*) parameters)dlsym(library, "TRITONSERVER_" #name);
  FUNCTIONS(RESOLVE)
  for (int i = 0; i < 16; i++) data[i] = 1.5f;
  void* options;
  check(T_ServerOptionsNew(&options));
  check(T_ServerOptionsSetModelRepositoryPath(options, argument[2]));
  check(T_ServerOptionsSetBackendDirectory(options, argument[3]));
  check(T_ServerOptionsSetLogInfo(options, 0));
  check(T_ServerOptionsSetLogWarn(options, 0));
  check(T_ServerOptionsSetLogError(options, 0));
  check(T_ServerNew(&server, options));
  check(T_ResponseAllocatorNew(&allocator, (void*)on_allocate, (void*)on_free, 0));
  long in_flight = atol(argument[4]), done = 0;
  double seconds = atof(argument[5]), cpu = 0, start = 0, end = 0;
  for (long i = 0; i < in_flight; i++) submit();
  for (long running = in_flight; running > 0;) {
    pthread_mutex_lock(&lock);
    while (answered == 0) pthread_cond_wait(&changed, &lock);
    long got = answered;
    answered = 0;
    pthread_mutex_unlock(&lock);
    double time = now(CLOCK_MONOTONIC);
    /* The first 20,000 warm up. */
    if (start == 0 && (done += got) >= 20000) {
      start = time;
      cpu = now(CLOCK_PROCESS_CPUTIME_ID);
      end = start + seconds;
      done = 0;
    } else if (start > 0) {
      done += got;
    }
    if (end > 0 && time > end) running -= got;
    else for (long i = 0; i < got; i++) submit();
  }
  double took = now(CLOCK_MONOTONIC) - start;
  printf("MEASURED {\"rate\":%f,\"cpu\":%f}\n", (double)done / took,
      (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)done);
  check(T_ServerStop(server));
  return 0;
}
