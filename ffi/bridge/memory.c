/* Memory of clients, mapped into this process so that tensors can lie in it: POSIX shared-memory objects,
 * and memory of a GPU by its IPC handle.
 *
 * A client may cut its object short at any time. Who then touches the mapping gets SIGBUS, which would end
 * the process; so the pages that a cut took away are replaced by zeros, and the mapping is marked: it no
 * longer shows what the client sees. The same happens when the file system of the objects is full and a
 * page of one is written for the first time. See on_bus_error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef struct {
  /* What the signal handler reads. start is 0 in places that hold no system memory. */
  _Atomic uintptr_t start, end;
  atomic_int damaged;
  /* The rest is under the lock. */
  int used;
  int file;         /* the object, for its size at each use; -1 for memory of a GPU */
  int device;       /* the GPU */
  uint64_t offset;  /* of the mapping in the object */
  uint64_t size;
  uint64_t address;
} Mapping;

/* A list of tables rather than one that moves, because the signal handler reads it at any moment. */
#define TABLE_SIZE 64
typedef struct Table {
  Mapping mappings[TABLE_SIZE];
  _Atomic(struct Table*) next;
} Table;

static Table first_table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_llong live_mappings;

/* For tts_counters. */
int64_t memory_live_mappings(void) { return atomic_load(&live_mappings); }

/* ---- The signal ---- */

static struct sigaction previous_action;
static uintptr_t page_size;

/* Puts zeros where a page is missing. True when address lies in a mapping. Safe in a signal handler. */
static int replace_page(uintptr_t address) {
  for (Table* table = &first_table; table; table = atomic_load(&table->next)) {
    for (int i = 0; i < TABLE_SIZE; i++) {
      Mapping* mapping = &table->mappings[i];
      uintptr_t start = atomic_load(&mapping->start);
      if (!start || address < start || address >= atomic_load(&mapping->end)) continue;
      atomic_store(&mapping->damaged, 1);
      void* page = (void*)(address & ~(page_size - 1));
      int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
      return mmap(page, page_size, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
    }
  }
  return 0;
}

static void on_bus_error(int number, siginfo_t* info, void* context) {
  int saved = errno;
  int done = info->si_code == BUS_ADRERR && replace_page((uintptr_t)info->si_addr);
  errno = saved;
  if (done) return;
  if (previous_action.sa_flags & SA_SIGINFO) {
    previous_action.sa_sigaction(number, info, context);
  } else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    /* Dies as it would have done without this handler, once that returns. */
    signal(number, SIG_DFL);
    raise(number);
  } else {
    previous_action.sa_handler(number);
  }
}

/* Under the lock. */
static void watch_bus_errors(void) {
  if (page_size) return;
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  /* The one before must be known before the handler can run. */
  sigaction(SIGBUS, 0, &previous_action);
  sigaction(SIGBUS, &action, 0);
}

/* ---- The table ---- */

/* A free place; NULL when there is no memory for more. Under the lock. */
static Mapping* take_place(void) {
  for (Table* table = &first_table;; table = atomic_load(&table->next)) {
    for (int i = 0; i < TABLE_SIZE; i++) {
      Mapping* mapping = &table->mappings[i];
      if (mapping->used) continue;
      mapping->used = 1;
      atomic_store(&mapping->damaged, 0);
      atomic_fetch_add(&live_mappings, 1);
      return mapping;
    }
    if (atomic_load(&table->next)) continue;
    Table* added = calloc(1, sizeof(Table));
    if (!added) return 0;
    atomic_store(&table->next, added);
  }
}

/* Under the lock. */
static void leave_place(Mapping* mapping) {
  mapping->used = 0;
  atomic_fetch_sub(&live_mappings, 1);
}

/* ---- System memory ---- */

/* Why there is no mapping; 0 when there is one. memory.ts has the same. */
enum { MAPPED = 0, NOT_OPENED = 1, NOT_MEASURED = 2, OUT_OF_RANGE = 3, NOT_MAPPED = 4 };

/* {u64 mapping, u64 address} for a success; else the system's reason as a NUL-terminated text. */
#define RESULT_SIZE 256

static uint32_t failed(uint32_t step, int error, uint8_t* result) {
  snprintf((char*)result, RESULT_SIZE, "%s", strerror(error));
  return step;
}

static uint32_t mapped(Mapping* mapping, uint8_t* result) {
  uint64_t handle = (uint64_t)mapping;
  memcpy(result, &handle, 8);
  memcpy(result + 8, &mapping->address, 8);
  return MAPPED;
}

static int fits(uint64_t offset, uint64_t size, uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

static uint32_t map_file(int file, uint64_t offset, uint64_t size, uint8_t* result) {
  struct stat status;
  if (fstat(file, &status)) return failed(NOT_MEASURED, errno, result);
  if (!fits(offset, size, (uint64_t)status.st_size)) return failed(OUT_OF_RANGE, EINVAL, result);
  Mapping* mapping = take_place();
  if (!mapping) return failed(NOT_MAPPED, ENOMEM, result);
  void* address = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
  if (address == MAP_FAILED) {
    int error = errno;
    leave_place(mapping);
    return failed(NOT_MAPPED, error, result);
  }
  mapping->file = file;
  mapping->offset = offset;
  mapping->size = size;
  mapping->address = (uint64_t)address;
  /* The last page counts as a whole. */
  atomic_store(&mapping->end, ((uintptr_t)address + size + page_size - 1) & ~(page_size - 1));
  atomic_store(&mapping->start, (uintptr_t)address);
  return mapped(mapping, result);
}

/* Maps size bytes from offset on of the shared-memory object called key, for reading and writing. */
EXPORT uint32_t tts_map_system(const char* key, uint64_t offset, uint64_t size, uint8_t* result) {
  int file = shm_open(key, O_RDWR, 0);
  if (file < 0) return failed(NOT_OPENED, errno, result);
  pthread_mutex_lock(&lock);
  watch_bus_errors();
  uint32_t step = map_file(file, offset, size, result);
  pthread_mutex_unlock(&lock);
  if (step != MAPPED) close(file);
  return step;
}

/* Whether the first size bytes of the mapping are still those of the object. */
EXPORT uint32_t tts_mapping_holds(uint64_t handle, uint64_t size) {
  Mapping* mapping = (Mapping*)handle;
  if (size > mapping->size) return 0;
  if (mapping->file < 0) return 1;
  struct stat status;
  return !atomic_load(&mapping->damaged) && !fstat(mapping->file, &status) &&
      fits(mapping->offset, size, (uint64_t)status.st_size);
}

/* ---- Memory of a GPU, over CUDA's driver library where there is one ---- */

typedef struct { char bytes[64]; } IpcHandle;
#define CUDA_FUNCTIONS(X) \
  X(cuInit, (unsigned)) \
  X(cuDeviceGet, (int*, int)) \
  X(cuDevicePrimaryCtxRetain, (void**, int)) \
  X(cuDevicePrimaryCtxRelease_v2, (int)) \
  X(cuCtxPushCurrent_v2, (void*)) \
  X(cuCtxPopCurrent_v2, (void**)) \
  X(cuIpcOpenMemHandle_v2, (uint64_t*, IpcHandle, unsigned)) \
  X(cuIpcCloseMemHandle, (uint64_t)) \
  X(cuMemGetAddressRange_v2, (uint64_t*, size_t*, uint64_t))

#define DECLARE(name, parameters) static int(*name) parameters;
CUDA_FUNCTIONS(DECLARE)
#undef DECLARE

#define LAZY_ENABLE_PEER_ACCESS 1

/* Whether CUDA can be used. Under the lock. */
static int cuda_is_there(void) {
  static int asked, there;
  if (asked) return there;
  asked = 1;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return 0;
#define RESOLVE(name, parameters) \
  name = (int(*) parameters)dlsym(library, #name); \
  if (!name) return 0;
  CUDA_FUNCTIONS(RESOLVE)
#undef RESOLVE
  there = cuInit(0) == 0;
  return there;
}

/* Makes the context that CUDA's runtime, and so every backend, uses on the device current on this thread.
 * Returns 0 when there is no such device. */
static int enter_device(int device) {
  void* context;
  if (cuDevicePrimaryCtxRetain(&context, device)) return 0;
  if (!cuCtxPushCurrent_v2(context)) return 1;
  cuDevicePrimaryCtxRelease_v2(device);
  return 0;
}

static void leave_device(int device) {
  void* context;
  cuCtxPopCurrent_v2(&context);
  cuDevicePrimaryCtxRelease_v2(device);
}

/* Opens the memory in the device's context, which is retained for as long as the memory is open. */
static uint32_t open_cuda(const uint8_t* handle, int ordinal, uint64_t size, uint8_t* result) {
  int device;
  if (!cuda_is_there() || cuDeviceGet(&device, ordinal)) return failed(NOT_OPENED, ENODEV, result);
  void* retained;
  if (cuDevicePrimaryCtxRetain(&retained, device)) return failed(NOT_OPENED, ENODEV, result);
  if (!enter_device(device)) {
    cuDevicePrimaryCtxRelease_v2(device);
    return failed(NOT_OPENED, ENODEV, result);
  }
  IpcHandle ipc;
  memcpy(&ipc, handle, sizeof ipc);
  uint64_t address, base;
  size_t whole;
  uint32_t step = NOT_OPENED;
  if (!cuIpcOpenMemHandle_v2(&address, ipc, LAZY_ENABLE_PEER_ACCESS)) {
    step = cuMemGetAddressRange_v2(&base, &whole, address) || size > whole ? OUT_OF_RANGE : MAPPED;
    Mapping* mapping = step == MAPPED ? take_place() : 0;
    if (mapping) {
      mapping->file = -1;
      mapping->device = device;
      mapping->size = size;
      mapping->address = address;
      mapped(mapping, result);
    } else {
      if (step == MAPPED) step = NOT_OPENED;
      cuIpcCloseMemHandle(address);
    }
  }
  leave_device(device);
  if (step == MAPPED) return step;
  cuDevicePrimaryCtxRelease_v2(device);
  return failed(step, EINVAL, result);
}

/* Opens size bytes of the GPU's memory that the 64 bytes of a CUDA IPC handle stand for. */
EXPORT uint32_t tts_map_cuda(const uint8_t* handle, int device, uint64_t size, uint8_t* result) {
  pthread_mutex_lock(&lock);
  uint32_t step = open_cuda(handle, device, size, result);
  pthread_mutex_unlock(&lock);
  return step;
}

static void close_cuda(const Mapping* mapping) {
  if (enter_device(mapping->device)) {
    cuIpcCloseMemHandle(mapping->address);
    leave_device(mapping->device);
  }
  cuDevicePrimaryCtxRelease_v2(mapping->device);
}

/* ---- The end of both ---- */

/* Gives a mapping back. Nothing may use it any more. */
EXPORT void tts_unmap(uint64_t handle) {
  Mapping* mapping = (Mapping*)handle;
  pthread_mutex_lock(&lock);
  if (mapping->file < 0) {
    close_cuda(mapping);
  } else {
    atomic_store(&mapping->start, 0);
    munmap((void*)mapping->address, mapping->size);
    close(mapping->file);
  }
  leave_place(mapping);
  pthread_mutex_unlock(&lock);
}
