/* The bridge between Triton's threads and a JavaScript event loop.
 *
 * Triton calls back on threads of its own and wants answers there, which JavaScript cannot give. So the
 * callbacks end here: outputs are allocated, responses are flattened into records, and the records wait
 * in a queue until the event loop drains them in one call. The bridge knows the C API of Triton and
 * nothing of the protocols above it.
 *
 * Who owns what:
 * - A request block belongs to its queue from submit until JavaScript has drained its last record and
 *   Triton has released the request. The Triton request in it is deleted with it, by the event loop, which
 *   has made it: what one thread allocates and another frees makes both wait for malloc's locks.
 * - A Triton response is deleted inside its callback, so that none outlives it and a server can always
 *   stop; its output memory is taken over and belongs to JavaScript until tts_release. Only a response
 *   of which labels will be asked (OPTION_KEEP_RESPONSE) lives on, until tts_response_delete.
 * - Records belong to the queue.
 *
 * All layouts are little-endian with every field on a multiple of 8 from the start of the block, except
 * pairs of 32-bit fields. A text is a 32-bit length, a 32-bit zero, the bytes, and at least one NUL up
 * to the next multiple of 8. ../bridge/layout.ts is the other side of each. */
#define _GNU_SOURCE
#include "loop.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
/* Raised with every change of a layout or of an exported function; layout.ts holds the same number. */
#define BRIDGE_VERSION 4

/* ---- Triton, resolved from the library that tts_open opened ---- */

typedef void Error;
#define TRITON_FUNCTIONS(X) \
  X(Error*, ErrorNew, (int, const char*)) \
  X(void, ErrorDelete, (Error*)) \
  X(int, ErrorCode, (Error*)) \
  X(const char*, ErrorMessage, (Error*)) \
  X(Error*, ResponseAllocatorNew, (void**, void*, void*, void*)) \
  X(Error*, InferenceRequestNew, (void**, void*, const char*, int64_t)) \
  X(Error*, InferenceRequestDelete, (void*)) \
  X(Error*, InferenceRequestSetId, (void*, const char*)) \
  X(Error*, InferenceRequestSetFlags, (void*, uint32_t)) \
  X(Error*, InferenceRequestSetCorrelationId, (void*, uint64_t)) \
  X(Error*, InferenceRequestSetCorrelationIdString, (void*, const char*)) \
  X(Error*, InferenceRequestSetPriorityUInt64, (void*, uint64_t)) \
  X(Error*, InferenceRequestSetTimeoutMicroseconds, (void*, uint64_t)) \
  X(Error*, InferenceRequestAddInput, (void*, const char*, int, const int64_t*, uint64_t)) \
  X(Error*, InferenceRequestAddRawInput, (void*, const char*)) \
  X(Error*, InferenceRequestAppendInputData, (void*, const char*, const void*, size_t, int, int64_t)) \
  X(Error*, InferenceRequestAddRequestedOutput, (void*, const char*)) \
  X(Error*, InferenceRequestSetStringParameter, (void*, const char*, const char*)) \
  X(Error*, InferenceRequestSetIntParameter, (void*, const char*, int64_t)) \
  X(Error*, InferenceRequestSetBoolParameter, (void*, const char*, _Bool)) \
  X(Error*, InferenceRequestSetDoubleParameter, (void*, const char*, double)) \
  X(Error*, InferenceRequestSetReleaseCallback, (void*, void*, void*)) \
  X(Error*, InferenceRequestSetResponseCallback, (void*, void*, void*, void*, void*)) \
  X(Error*, InferenceRequestCancel, (void*)) \
  X(Error*, ServerInferAsync, (void*, void*, void*)) \
  X(Error*, InferenceResponseDelete, (void*)) \
  X(Error*, InferenceResponseError, (void*)) \
  X(Error*, InferenceResponseModel, (void*, const char**, int64_t*)) \
  X(Error*, InferenceResponseId, (void*, const char**)) \
  X(Error*, InferenceResponseParameterCount, (void*, uint32_t*)) \
  X(Error*, InferenceResponseParameter, (void*, uint32_t, const char**, int*, const void**)) \
  X(Error*, InferenceResponseOutputCount, (void*, uint32_t*)) \
  X(Error*, InferenceResponseOutput, (void*, uint32_t, const char**, int*, const int64_t**, uint64_t*, \
      const void**, size_t*, int*, int64_t*, void**))

#define DECLARE(result, name, parameters) static result(*T_##name) parameters;
TRITON_FUNCTIONS(DECLARE)
#undef DECLARE

static void* library;
static char* library_path;
static void* allocator;

/* ---- Counters of what is alive, for leak tests ---- */

static atomic_llong live_requests, live_responses, live_buffers, live_jobs, live_records;
int64_t memory_live_mappings(void); /* memory.c */

/* ---- Small helpers ---- */

static size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }
static size_t text_size(size_t length) { return 8 + padded(length + 1); }

static void drop(Error* error) { if (error) T_ErrorDelete(error); }

/* Writes an error as {u32 code, u32 length, bytes} and deletes it; returns the bytes written. */
static uint32_t report(Error* error, uint8_t* result, uint32_t capacity) {
  uint32_t code = (uint32_t)T_ErrorCode(error);
  const char* message = T_ErrorMessage(error);
  size_t length = strlen(message);
  if (length > capacity - 8) length = capacity - 8;
  uint32_t length32 = (uint32_t)length;
  memcpy(result, &code, 4);
  memcpy(result + 4, &length32, 4);
  memcpy(result + 8, message, length);
  T_ErrorDelete(error);
  return 8 + length32;
}

/* ---- Output memory ----
 * A buffer begins with this header, 64 bytes before the address that Triton sees. */

typedef struct Buffer {
  void* block; /* NULL once the response callback has taken the memory over */
  struct Buffer* next;
  uint32_t level;
} Buffer;
#define BUFFER_HEADER 64

/* Large buffers are used again: the first touch of new memory costs more than the copy of a tensor. Their
 * sizes have levels, four from one power of two to the next; level LEVELS is for what is never kept. */
#define MIN_SHIFT 14
#define LEVELS 48
#define MAX_KEPT (64 << 20)
static Buffer* kept[LEVELS];
static size_t kept_size;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t level_size(uint32_t level) { return (size_t)(4 + level % 4) << (MIN_SHIFT - 2 + level / 4); }

/* NULL when there is no memory. */
static Buffer* buffer_new(size_t size) {
  size_t whole = BUFFER_HEADER + (size ? size : 1);
  uint32_t level = LEVELS;
  if (whole >= level_size(0) && whole <= level_size(LEVELS - 1)) {
    for (level = 0; level_size(level) < whole;) level++;
  }
  Buffer* buffer = 0;
  if (level < LEVELS) {
    pthread_mutex_lock(&kept_lock);
    buffer = kept[level];
    if (buffer) {
      kept[level] = buffer->next;
      kept_size -= level_size(level);
    }
    pthread_mutex_unlock(&kept_lock);
  }
  if (!buffer) buffer = malloc(level < LEVELS ? level_size(level) : whole);
  if (!buffer) return 0;
  buffer->block = buffer;
  buffer->level = level;
  atomic_fetch_add(&live_buffers, 1);
  return buffer;
}

static void buffer_free(void* base) {
  Buffer* buffer = (Buffer*)((uint8_t*)base - BUFFER_HEADER);
  atomic_fetch_sub(&live_buffers, 1);
  uint32_t level = buffer->level;
  if (level < LEVELS) {
    pthread_mutex_lock(&kept_lock);
    int is_kept = kept_size + level_size(level) <= MAX_KEPT;
    if (is_kept) {
      buffer->next = kept[level];
      kept[level] = buffer;
      kept_size += level_size(level);
    }
    pthread_mutex_unlock(&kept_lock);
    if (is_kept) return;
  }
  free(buffer);
}

/* ---- Queue of records ---- */

typedef struct Node {
  struct Node* next;
  struct Request* finished; /* the request whose final response this is, else NULL */
  uint32_t size;            /* of the record that follows */
  uint32_t is_part;         /* of the block of its request */
  uint64_t bytes;           /* of the outputs that it brings */
  uint8_t record[];
} Node;

enum { KIND_RESPONSE = 1, KIND_RELEASED = 2, KIND_JOB = 3 };
enum { FLAG_FINAL = 1, FLAG_RELEASED = 2, FLAG_CONTENT = 4, FLAG_ERROR = 8 };
enum { DATA_INLINE = 0, DATA_ADDRESS = 1, DATA_PLACED = 2 };
/* Outputs up to this size travel inside the record; a copy is cheaper than a second crossing. */
#define INLINE_OUTPUT 4096

typedef struct {
  uint32_t size, kind, slot, flags;
  uint32_t code, outputs, parameters, pad;
  int64_t model_version;
  uint64_t response;
} Record; /* 48 bytes; the rest of the record follows */

/* How fast a model may send. */
typedef struct {
  uint64_t waiting; /* bytes of responses that the event loop has not taken over */
  int held;         /* the event loop wants no more for now */
} Flow;
/* With more bytes than these waiting, the sender of a request's responses waits. */
#define MAX_WAITING (16 << 20)

typedef struct {
  uint32_t loop;
  pthread_mutex_t lock;
  Node *head, *tail; /* produced, under the lock */
  Node* taken;       /* taken over by the event loop, which alone touches it */
  atomic_int sleeps; /* the event loop waits for a signal */
  struct Request** requests; /* by slot; only the event loop touches it, */
  uint32_t slots;
  uint32_t running; /* and how many there are */
  pthread_cond_t resumed;
  Flow* flows; /* by slot, under the lock */
  uint32_t flow_slots;
  int is_free; /* nobody's, under queues_lock */
} Queue;

#define QUEUES 256
static Queue* queues[QUEUES];
static pthread_mutex_t queues_lock = PTHREAD_MUTEX_INITIALIZER;

int queue_sleeps(void* self) {
  Queue* queue = self;
  atomic_store(&queue->sleeps, 1);
  pthread_mutex_lock(&queue->lock);
  int is_empty = !queue->head;
  pthread_mutex_unlock(&queue->lock);
  if (is_empty && !queue->taken) return 1;
  atomic_store(&queue->sleeps, 0);
  return 0;
}

int queue_runs(void* self) { return ((Queue*)self)->running > 0; }

int queue_expects(void* self) {
  Queue* queue = self;
  return queue_runs(queue) && !__atomic_load_n(&queue->head, __ATOMIC_RELAXED);
}

void queue_awake(void* self) { atomic_store(&((Queue*)self)->sleeps, 0); }

/* The flow of a slot; the lock is held. */
static Flow* flow_of(Queue* queue, uint32_t slot) {
  if (slot >= queue->flow_slots) {
    uint32_t slots = 2 * (slot + 1) > 64 ? 2 * (slot + 1) : 64;
    queue->flows = realloc(queue->flows, slots * sizeof(Flow));
    memset(queue->flows + queue->flow_slots, 0, (slots - queue->flow_slots) * sizeof(Flow));
    queue->flow_slots = slots;
  }
  return &queue->flows[slot];
}

static void push(Queue* queue, Node* node) {
  atomic_fetch_add(&live_records, 1);
  node->next = 0;
  pthread_mutex_lock(&queue->lock);
  if (queue->tail) queue->tail->next = node; else queue->head = node;
  queue->tail = node;
  if (node->bytes) flow_of(queue, ((Record*)node->record)->slot)->waiting += node->bytes;
  pthread_mutex_unlock(&queue->lock);
  if (atomic_load(&queue->sleeps) && atomic_exchange(&queue->sleeps, 0)) loop_signal(queue->loop);
}

static void hold(Queue* queue, uint32_t slot, int held) {
  pthread_mutex_lock(&queue->lock);
  Flow* flow = flow_of(queue, slot);
  int resumes = flow->held && !held;
  flow->held = held;
  pthread_mutex_unlock(&queue->lock);
  if (resumes) pthread_cond_broadcast(&queue->resumed);
}

/* Called by the thread that has sent a response which is not the last one. Must not touch the request,
 * which may be gone. */
static void wait_for_reader(Queue* queue, uint32_t slot) {
  pthread_mutex_lock(&queue->lock);
  while (queue->flows[slot].held || queue->flows[slot].waiting > MAX_WAITING) {
    pthread_cond_wait(&queue->resumed, &queue->lock);
  }
  pthread_mutex_unlock(&queue->lock);
}

/* The event loop has taken over all records that waited; the lock is held. */
static void taken_over(Queue* queue) {
  int resumes = 0;
  for (Node* node = queue->taken; node; node = node->next) {
    uint32_t slot = ((Record*)node->record)->slot;
    if (!node->bytes || slot >= queue->flow_slots) continue;
    resumes |= queue->flows[slot].waiting > MAX_WAITING;
    queue->flows[slot].waiting = 0;
  }
  if (resumes) pthread_cond_broadcast(&queue->resumed);
}

static Node* node_in(void* memory, size_t size, uint32_t kind, uint32_t slot, uint32_t flags) {
  Node* node = memory;
  node->finished = 0;
  node->is_part = 0;
  node->bytes = 0;
  node->size = (uint32_t)size;
  memset(node->record, 0, sizeof(Record));
  Record* record = (Record*)node->record;
  record->size = (uint32_t)size;
  record->kind = kind;
  record->slot = slot;
  record->flags = flags;
  return node;
}

static Node* node_new(size_t size, uint32_t kind, uint32_t slot, uint32_t flags) {
  return node_in(malloc(sizeof(Node) + size), size, kind, slot, flags);
}

static uint8_t* put_text(uint8_t* at, const char* text, size_t length) {
  size_t size = text_size(length);
  memset(at, 0, 8);
  memset(at + size - 8, 0, 8);
  uint32_t length32 = (uint32_t)length;
  memcpy(at, &length32, 4);
  memcpy(at + 8, text, length);
  return at + size;
}

static uint8_t* put_u32x2(uint8_t* at, uint32_t a, uint32_t b) {
  memcpy(at, &a, 4);
  memcpy(at + 4, &b, 4);
  return at + 8;
}

static uint8_t* put_u64(uint8_t* at, uint64_t value) {
  memcpy(at, &value, 8);
  return at + 8;
}

/* ---- Requests ---- */

typedef struct { const char* name; uint8_t* address; uint64_t size; int type; int64_t type_id; } Placement;

enum { STATE_RELEASED = 1, STATE_FINAL_DRAINED = 2 };

/* So large a record, which most are not, has room in the block of its request. */
#define RECORD_ROOM 400

typedef struct Request {
  Queue* queue;
  void* request;
  atomic_int state;
  uint32_t slot;
  uint32_t options;
  uint32_t placements_count;
  Placement* placements;
  Buffer* copies; /* of inputs */
  atomic_int is_room_used;
  _Alignas(8) uint8_t room[sizeof(Node) + RECORD_ROOM]; /* for one record that is not large */
  _Alignas(8) uint8_t descriptor[];
} Request;

enum { OPTION_STRING_CORRELATION = 1, OPTION_RAW = 2, OPTION_KEEP_RESPONSE = 4 };

/* A record of the request: in its block, if there is room. */
static Node* response_node_new(Request* request, size_t size, uint32_t flags) {
  if (size > RECORD_ROOM || atomic_exchange(&request->is_room_used, 1)) {
    return node_new(size, KIND_RESPONSE, request->slot, flags);
  }
  Node* node = node_in(request->room, size, KIND_RESPONSE, request->slot, flags);
  node->is_part = 1;
  return node;
}

/* Frees the block and what hangs on it. */
static void request_discard(Request* request) {
  for (Buffer* next, *copy = request->copies; copy; copy = next) {
    next = copy->next;
    buffer_free((uint8_t*)copy + BUFFER_HEADER);
  }
  if (request->request) drop(T_InferenceRequestDelete(request->request));
  free(request->placements);
  free(request);
}

static void request_free(Request* request) {
  request->queue->requests[request->slot] = 0;
  request->queue->running--;
  request_discard(request);
  atomic_fetch_sub(&live_requests, 1);
}

static void on_release(void* triton_request, uint32_t flags, void* userp) {
  (void)triton_request;
  if (!(flags & 1)) return; /* only RELEASE_ALL ends Triton's use */
  Request* request = userp;
  Queue* queue = request->queue;
  uint32_t slot = request->slot;
  /* Last touch: after this the event loop may free the block. */
  int before = atomic_fetch_or(&request->state, STATE_RELEASED);
  if (before & STATE_FINAL_DRAINED) push(queue, node_new(sizeof(Record), KIND_RELEASED, slot, FLAG_RELEASED));
}

/* ---- Allocator: Triton's callbacks for output memory ---- */

static Error* on_allocate(void* self, const char* name, size_t size, int type, int64_t type_id, void* userp,
    void** buffer, void** buffer_userp, int* actual_type, int64_t* actual_type_id) {
  (void)self; (void)type; (void)type_id;
  Request* request = userp;
  *actual_type = 0; /* CPU */
  *actual_type_id = 0;
  *buffer_userp = 0;
  for (uint32_t i = 0; i < request->placements_count; i++) {
    Placement* placement = &request->placements[i];
    if (!placement->address || strcmp(placement->name, name) != 0) continue;
    if (size > placement->size) {
      char text[512];
      snprintf(text, sizeof text,
          "shared memory size specified with the request for output '%s' (%llu bytes) should be at least %llu "
          "bytes to hold the results", name, (unsigned long long)placement->size, (unsigned long long)size);
      return T_ErrorNew(1 /* INTERNAL */, text);
    }
    *buffer = placement->address;
    *actual_type = placement->type;
    *actual_type_id = placement->type_id;
    return 0;
  }
  Buffer* header = buffer_new(size);
  if (!header) {
    char text[256];
    snprintf(text, sizeof text, "failed to allocate %llu bytes for output '%.100s'", (unsigned long long)size, name);
    return T_ErrorNew(1, text);
  }
  *buffer = (uint8_t*)header + BUFFER_HEADER;
  *buffer_userp = header;
  return 0;
}

static Error* on_buffer_release(void* self, void* buffer, void* buffer_userp, size_t size, int type, int64_t type_id) {
  (void)self; (void)size; (void)type; (void)type_id;
  Buffer* header = buffer_userp;
  if (header && header->block) buffer_free(buffer);
  return 0;
}

/* ---- Responses ---- */

typedef struct {
  const char* name; int datatype; const int64_t* shape; uint64_t dims;
  const void* base; size_t size; Buffer* buffer; size_t name_length;
} Output;

typedef struct { const char* name; int type; const void* value; size_t name_length, value_length; } Parameter;

static Node* error_node(Request* request, Error* error, uint32_t flags, const char* model, int64_t version, const char* id) {
  const char* message = T_ErrorMessage(error);
  size_t length = strlen(message), model_length = strlen(model), id_length = strlen(id);
  Node* node = response_node_new(request,
      sizeof(Record) + text_size(length) + text_size(model_length) + text_size(id_length),
      flags | FLAG_CONTENT | FLAG_ERROR);
  Record* record = (Record*)node->record;
  record->code = (uint32_t)T_ErrorCode(error);
  record->model_version = version;
  uint8_t* at = put_text(node->record + sizeof(Record), message, length);
  at = put_text(at, model, model_length);
  put_text(at, id, id_length);
  return node;
}

static uint8_t* put_output(uint8_t* at, const Output* output, int kept) {
  at = put_text(at, output->name, output->name_length);
  at = put_u32x2(at, (uint32_t)output->datatype, (uint32_t)output->dims);
  memcpy(at, output->shape, output->dims * 8);
  at = put_u64(at + output->dims * 8, output->size);
  if (!output->buffer && output->size) return put_u64(put_u64(at, DATA_PLACED), 0);
  if (output->size <= INLINE_OUTPUT) {
    at = put_u64(at, DATA_INLINE);
    if (output->size) {
      memset(at + padded(output->size) - 8, 0, 8);
      memcpy(at, output->base, output->size);
    }
    return at + padded(output->size);
  }
  if (!kept) output->buffer->block = 0; /* taken over: see on_buffer_release */
  return put_u64(put_u64(at, DATA_ADDRESS), (uint64_t)output->base);
}

static size_t output_size(const Output* output) {
  size_t size = text_size(output->name_length) + 8 + output->dims * 8 + 8 + 8;
  int inlined = output->size <= INLINE_OUTPUT && (output->buffer || !output->size);
  return size + (inlined ? padded(output->size) : 8);
}

static size_t parameter_size(const Parameter* p) {
  return text_size(p->name_length) + 8 + (p->type == 0 ? text_size(p->value_length) : 8);
}

static uint8_t* put_parameter(uint8_t* at, const Parameter* p) {
  at = put_u64(put_text(at, p->name, p->name_length), (uint64_t)p->type);
  switch (p->type) {
    case 0: return put_text(at, p->value, p->value_length);
    case 1: case 3: return put_u64(at, *(const uint64_t*)p->value);
    case 2: return put_u64(at, *(const uint8_t*)p->value != 0);
    default: return put_u64(at, 0); /* BYTES, which no response can have as yet */
  }
}

static Error* collect(void* response, uint32_t outputs, uint32_t parameters, Output* output, Parameter* parameter, size_t* size) {
  for (uint32_t i = 0; i < parameters; i++) {
    Parameter* p = &parameter[i];
    Error* failed = T_InferenceResponseParameter(response, i, &p->name, &p->type, &p->value);
    if (failed) return failed;
    p->name_length = strlen(p->name);
    p->value_length = p->type == 0 ? strlen(p->value) : 0;
    *size += parameter_size(p);
  }
  for (uint32_t i = 0; i < outputs; i++) {
    Output* o = &output[i];
    int type; int64_t type_id; void* userp = 0;
    Error* failed = T_InferenceResponseOutput(response, i, &o->name, &o->datatype, &o->shape, &o->dims, &o->base,
        &o->size, &type, &type_id, &userp);
    if (failed) return failed;
    o->buffer = userp;
    o->name_length = strlen(o->name);
    *size += output_size(o);
  }
  return 0;
}

/* Flattens a response. Takes no ownership of it, but of the memory of its large outputs. */
static Node* response_node(Request* request, void* response, uint32_t flags) {
  const char *model = "", *id = "";
  int64_t version = -1;
  drop(T_InferenceResponseModel(response, &model, &version));
  drop(T_InferenceResponseId(response, &id));
  Error* failed = T_InferenceResponseError(response);
  uint32_t outputs = 0, parameters = 0;
  if (!failed) failed = T_InferenceResponseOutputCount(response, &outputs);
  if (!failed) failed = T_InferenceResponseParameterCount(response, &parameters);
  Output few_outputs[16];
  Parameter few_parameters[16];
  Output* output = outputs <= 16 ? few_outputs : malloc(outputs * sizeof(Output));
  Parameter* parameter = parameters <= 16 ? few_parameters : malloc(parameters * sizeof(Parameter));
  size_t model_length = strlen(model), id_length = strlen(id);
  size_t size = sizeof(Record) + text_size(model_length) + text_size(id_length);
  if (!failed) failed = collect(response, outputs, parameters, output, parameter, &size);
  Node* node;
  if (failed) {
    node = error_node(request, failed, flags, model, version, id);
    T_ErrorDelete(failed);
  } else {
    int kept = (request->options & OPTION_KEEP_RESPONSE) != 0;
    node = response_node_new(request, size, flags | FLAG_CONTENT);
    Record* record = (Record*)node->record;
    record->outputs = outputs;
    record->parameters = parameters;
    record->model_version = version;
    record->response = kept ? (uint64_t)response : 0;
    uint8_t* at = put_text(node->record + sizeof(Record), model, model_length);
    at = put_text(at, id, id_length);
    for (uint32_t i = 0; i < parameters; i++) at = put_parameter(at, &parameter[i]);
    for (uint32_t i = 0; i < outputs; i++) {
      at = put_output(at, &output[i], kept);
      node->bytes += output[i].size;
    }
  }
  if (output != few_outputs) free(output);
  if (parameter != few_parameters) free(parameter);
  return node;
}

static void on_response(void* response, uint32_t flags, void* userp) {
  Request* request = userp;
  Queue* queue = request->queue;
  uint32_t record_flags = flags & 1 ? FLAG_FINAL : 0;
  Node* node = response ? response_node(request, response, record_flags)
                        : response_node_new(request, sizeof(Record), record_flags);
  if (response) {
    if (((Record*)node->record)->response) {
      atomic_fetch_add(&live_responses, 1);
    } else {
      /* An output that travels inside its record keeps its header's block: freed in here. */
      drop(T_InferenceResponseDelete(response));
    }
  }
  if (record_flags & FLAG_FINAL) node->finished = request;
  uint32_t slot = request->slot;
  int waits = node->bytes && !(record_flags & FLAG_FINAL);
  push(queue, node); /* last touch of the request block */
  if (waits) wait_for_reader(queue, slot);
}

/* ---- Reading a descriptor ---- */

typedef struct { uint8_t* at; } Reader;

static uint64_t get_u64(Reader* reader) {
  uint64_t value;
  memcpy(&value, reader->at, 8);
  reader->at += 8;
  return value;
}

static uint32_t get_u32(Reader* reader) {
  uint32_t value;
  memcpy(&value, reader->at, 4);
  reader->at += 4;
  return value;
}

static const char* get_text(Reader* reader) {
  uint32_t length = get_u32(reader);
  const char* text = (const char*)reader->at + 4;
  reader->at += text_size(length) - 4;
  return text;
}

typedef struct { const void* base; uint64_t size; int type; int64_t type_id; } Data;

/* Set in a memory type: the data must be copied, because its memory may not last as long as the request. */
#define COPIED 0x80000000u

static Error* get_data(Request* self, Reader* reader, Data* data) {
  data->size = get_u64(reader);
  uint64_t address = get_u64(reader);
  uint32_t type = get_u32(reader);
  data->type = (int)(type & ~COPIED);
  data->type_id = get_u32(reader);
  data->base = address ? (const void*)address : reader->at;
  if (!address) reader->at += padded(data->size);
  if (!(type & COPIED)) return 0;
  Buffer* copy = buffer_new(data->size);
  if (!copy) return T_ErrorNew(1 /* INTERNAL */, "failed to allocate memory for an input");
  copy->next = self->copies;
  self->copies = copy;
  data->base = memcpy((uint8_t*)copy + BUFFER_HEADER, data->base, data->size);
  return 0;
}

#define TRY(call) do { Error* failed_ = (call); if (failed_) return failed_; } while (0)

static Error* add_parameter(void* request, Reader* reader) {
  const char* name = get_text(reader);
  uint64_t type = get_u64(reader);
  if (type == 0) return T_InferenceRequestSetStringParameter(request, name, get_text(reader));
  uint64_t value = get_u64(reader);
  if (type == 1) return T_InferenceRequestSetIntParameter(request, name, (int64_t)value);
  if (type == 2) return T_InferenceRequestSetBoolParameter(request, name, value != 0);
  double number;
  memcpy(&number, &value, 8);
  return T_InferenceRequestSetDoubleParameter(request, name, number);
}

static Error* add_input(Request* self, Reader* reader) {
  void* request = self->request;
  const char* name = get_text(reader);
  uint32_t datatype = get_u32(reader), dims = get_u32(reader);
  const int64_t* shape = (const int64_t*)reader->at;
  reader->at += (size_t)dims * 8;
  Data data;
  TRY(get_data(self, reader, &data));
  TRY(T_InferenceRequestAddInput(request, name, (int)datatype, shape, dims));
  return T_InferenceRequestAppendInputData(request, name, data.base, data.size, data.type, data.type_id);
}

static Error* fill(Request* self, Reader* reader, uint32_t inputs, uint32_t outputs, uint32_t parameters) {
  void* request = self->request;
  uint32_t options = self->options;
  const char* id = get_text(reader);
  if (*id) TRY(T_InferenceRequestSetId(request, id));
  uint32_t flags = get_u32(reader);
  get_u32(reader);
  uint64_t correlation = get_u64(reader), priority = get_u64(reader), timeout = get_u64(reader);
  if (flags) TRY(T_InferenceRequestSetFlags(request, flags));
  if (options & OPTION_STRING_CORRELATION) TRY(T_InferenceRequestSetCorrelationIdString(request, get_text(reader)));
  else if (correlation) TRY(T_InferenceRequestSetCorrelationId(request, correlation));
  if (priority) TRY(T_InferenceRequestSetPriorityUInt64(request, priority));
  if (timeout) TRY(T_InferenceRequestSetTimeoutMicroseconds(request, timeout));
  for (uint32_t i = 0; i < parameters; i++) TRY(add_parameter(request, reader));
  if (options & OPTION_RAW) {
    Data data;
    TRY(get_data(self, reader, &data));
    TRY(T_InferenceRequestAddRawInput(request, "raw_input"));
    TRY(T_InferenceRequestAppendInputData(request, "raw_input", data.base, data.size, data.type, data.type_id));
  }
  for (uint32_t i = 0; i < inputs; i++) TRY(add_input(self, reader));
  if (outputs) self->placements = calloc(outputs, sizeof(Placement));
  self->placements_count = outputs;
  for (uint32_t i = 0; i < outputs; i++) {
    Placement* placement = &self->placements[i];
    placement->name = get_text(reader);
    placement->address = (uint8_t*)get_u64(reader);
    placement->size = get_u64(reader);
    placement->type = (int)get_u32(reader);
    placement->type_id = get_u32(reader);
    TRY(T_InferenceRequestAddRequestedOutput(request, placement->name));
  }
  TRY(T_InferenceRequestSetReleaseCallback(request, (void*)on_release, self));
  return T_InferenceRequestSetResponseCallback(request, allocator, self, (void*)on_response, self);
}

/* ---- What JavaScript calls ---- */

EXPORT uint32_t tts_version(void) { return BRIDGE_VERSION; }

static uint32_t say(char* error, uint32_t capacity, const char* what) {
  snprintf(error, capacity, "%s", what ? what : "unknown error");
  return (uint32_t)strlen(error);
}

/* Opens libtritonserver at path. siblings is a NUL-separated, doubly NUL-terminated list of libraries
 * that it needs and that the loader would not find by itself; they are tried again until no more of them
 * opens, because their order is unknown. Returns 0, or the length of the text written to error. */
static uint32_t open_library(const char* path, const char* siblings, char* error, uint32_t capacity) {
  if (library && strcmp(path, library_path) == 0) return 0;
  if (library) {
    snprintf(error, capacity, "this process has opened %s, and can have only one Triton library", library_path);
    return (uint32_t)strlen(error);
  }
  size_t count = 0;
  for (const char* at = siblings; *at; at += strlen(at) + 1) count++;
  char* opened = calloc(count + 1, 1);
  for (int progress = 1; progress;) {
    progress = 0;
    size_t i = 0;
    for (const char* at = siblings; *at; at += strlen(at) + 1, i++) {
      if (!opened[i] && dlopen(at, RTLD_NOW | RTLD_LOCAL)) opened[i] = 1, progress = 1;
    }
  }
  free(opened);
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return say(error, capacity, dlerror());
  char symbol[128];
#define RESOLVE(result, name, parameters) \
  T_##name = (result(*) parameters)dlsym(handle, "TRITONSERVER_" #name); \
  if (!T_##name) { \
    snprintf(symbol, sizeof symbol, "it has no function TRITONSERVER_%s", #name); \
    return say(error, capacity, symbol); \
  }
  TRITON_FUNCTIONS(RESOLVE)
#undef RESOLVE
  Error* failed = T_ResponseAllocatorNew(&allocator, (void*)on_allocate, (void*)on_buffer_release, 0);
  if (failed) {
    uint32_t length = say(error, capacity, T_ErrorMessage(failed));
    T_ErrorDelete(failed);
    return length;
  }
  library = handle;
  library_path = strdup(path);
  return 0;
}

EXPORT uint32_t tts_open(const char* path, const char* siblings, char* error, uint32_t capacity) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  uint32_t length = open_library(path, siblings, error, capacity);
  pthread_mutex_unlock(&lock);
  return length;
}

/* Whether the open library has a function of that name. */
EXPORT uint32_t tts_has(const char* name) { return library && dlsym(library, name) ? 1 : 0; }

/* The address of a function of the open library, for tts_call. */
EXPORT uint64_t tts_function(const char* name) { return library ? (uint64_t)dlsym(library, name) : 0; }

/* The address of a JavaScript buffer. */
EXPORT uint64_t tts_address(const void* buffer) { return (uint64_t)buffer; }

/* Writes the counters: requests, responses, buffers, jobs, records, mappings. All zero when nothing is
 * alive. */
EXPORT void tts_counters(int64_t* out) {
  out[0] = atomic_load(&live_requests);
  out[1] = atomic_load(&live_responses);
  out[2] = atomic_load(&live_buffers);
  out[3] = atomic_load(&live_jobs);
  out[4] = atomic_load(&live_records);
  out[5] = memory_live_mappings();
}

/* Gives a queue back that has nothing under way, for another owner. */
EXPORT void tts_queue_free(uint32_t number) {
  pthread_mutex_lock(&queues_lock);
  queues[number]->is_free = 1;
  pthread_mutex_unlock(&queues_lock);
}

static Queue* queue_make(void) {
  Queue* queue = calloc(1, sizeof(Queue));
  if (!queue) return 0;
  pthread_mutex_init(&queue->lock, 0);
  pthread_cond_init(&queue->resumed, 0);
  return queue;
}

/* Makes a queue, for which a loop waits, or takes one that was given back. Returns its number, or 2^32-1 when
 * there are too many. */
EXPORT uint32_t tts_queue_new(uint32_t loop) {
  pthread_mutex_lock(&queues_lock);
  uint32_t number = 0;
  while (number < QUEUES && queues[number] && !queues[number]->is_free) number++;
  Queue* queue = 0;
  if (number < QUEUES) queue = queues[number] ? queues[number] : (queues[number] = queue_make());
  if (queue) {
    queue->is_free = 0;
    queue->loop = loop;
    atomic_store(&queue->sleeps, 1); /* the loop may be waiting already */
  }
  pthread_mutex_unlock(&queues_lock);
  if (!queue) return UINT32_MAX;
  loop_attach(loop, queue);
  return number;
}

/* Sends the request that the descriptor describes. Returns 0, or the size of the error in result. */
EXPORT uint32_t tts_submit(uint32_t number, const uint8_t* descriptor, uint32_t length, uint8_t* result, uint32_t capacity) {
  Queue* queue = queues[number];
  Request* self = malloc(sizeof(Request) + length);
  memcpy(self->descriptor, descriptor, length);
  Reader reader = {self->descriptor};
  void* server = (void*)get_u64(&reader);
  int64_t version = (int64_t)get_u64(&reader);
  uint32_t slot = get_u32(&reader);
  uint32_t options = get_u32(&reader);
  uint32_t inputs = get_u32(&reader), outputs = get_u32(&reader);
  uint32_t parameters = get_u32(&reader);
  get_u32(&reader);
  self->queue = queue;
  self->slot = slot;
  self->options = options;
  self->placements = 0;
  self->placements_count = 0;
  self->copies = 0;
  self->request = 0;
  atomic_init(&self->state, 0);
  atomic_init(&self->is_room_used, 0);
  Error* failed = T_InferenceRequestNew(&self->request, server, get_text(&reader), version);
  if (!failed) failed = fill(self, &reader, inputs, outputs, parameters);
  if (!failed) {
    if (slot >= queue->slots) {
      uint32_t slots = slot + 1 > 64 ? 2 * (slot + 1) : 64;
      queue->requests = realloc(queue->requests, slots * sizeof(Request*));
      memset(queue->requests + queue->slots, 0, (slots - queue->slots) * sizeof(Request*));
      queue->slots = slots;
    }
    queue->requests[slot] = self;
    atomic_fetch_add(&live_requests, 1);
    failed = T_ServerInferAsync(server, self->request, 0);
    if (!failed) {
      queue->running++;
      return 0;
    }
    atomic_fetch_sub(&live_requests, 1);
    queue->requests[slot] = 0;
  }
  request_discard(self);
  return report(failed, result, capacity);
}

/* Asks the model to stop the request in the slot, if it still runs. */
EXPORT void tts_cancel(uint32_t number, uint32_t slot) {
  Queue* queue = queues[number];
  Request* request = slot < queue->slots ? queue->requests[slot] : 0;
  if (request) drop(T_InferenceRequestCancel(request->request));
}

/* Lets the model wait with its next response to the request in the slot, or go on. The thread that sends
 * the responses waits, so a model instance serves nobody else meanwhile. */
EXPORT void tts_hold(uint32_t number, uint32_t slot, uint32_t held) { hold(queues[number], slot, held != 0); }

/* Copies waiting records behind the first start bytes of out and frees them. Returns the bytes written; 0 when none is left; or
 * 0x80000000 + the size that out must have for the next record. */
EXPORT uint32_t tts_drain(uint32_t number, uint8_t* out, uint32_t start, uint32_t capacity) {
  Queue* queue = queues[number];
  out += start;
  uint32_t written = 0;
  for (;;) {
    if (!queue->taken) {
      pthread_mutex_lock(&queue->lock);
      queue->taken = queue->head;
      queue->head = queue->tail = 0;
      taken_over(queue);
      pthread_mutex_unlock(&queue->lock);
      if (!queue->taken) return written;
    }
    Node* node = queue->taken;
    if (node->size > capacity - written) return written ? written : 0x80000000u + node->size;
    Record* record = memcpy(out + written, node->record, node->size);
    written += node->size;
    queue->taken = node->next;
    Request* finished = node->finished;
    if (!node->is_part) free(node);
    else if (!finished) atomic_store(&queue->requests[record->slot]->is_room_used, 0);
    atomic_fetch_sub(&live_records, 1);
    if (finished) {
      int before = atomic_fetch_or(&finished->state, STATE_FINAL_DRAINED);
      if (!(before & STATE_RELEASED)) continue;
      record->flags |= FLAG_RELEASED;
      request_free(finished);
    } else if (record->kind == KIND_RELEASED) {
      request_free(queue->requests[record->slot]);
    }
  }
}

/* Frees output memory that a record handed over by its address. */
EXPORT void tts_release(const uint64_t* addresses, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) buffer_free((void*)addresses[i]);
}

/* Deletes a response that was kept for its labels, with all its outputs. */
EXPORT void tts_response_delete(const uint64_t* response) {
  drop(T_InferenceResponseDelete((void*)*response));
  atomic_fetch_sub(&live_responses, 1);
}

/* ---- Calls that may block, each on a thread of its own ---- */

typedef struct { Queue* queue; uint32_t slot; uint64_t function; uint64_t argument[6]; } Job;

static void* job_run(void* argument) {
  Job* job = argument;
  struct sched_param priority = {0};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &priority);
  typedef Error* (*Function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
  uint64_t* a = job->argument;
  Error* failed = ((Function)job->function)(a[0], a[1], a[2], a[3], a[4], a[5]);
  const char* message = failed ? T_ErrorMessage(failed) : "";
  size_t length = strlen(message);
  Node* node = node_new(sizeof(Record) + text_size(length), KIND_JOB, job->slot, failed ? FLAG_ERROR : 0);
  if (failed) ((Record*)node->record)->code = (uint32_t)T_ErrorCode(failed);
  put_text(node->record + sizeof(Record), message, length);
  drop(failed);
  Queue* queue = job->queue;
  free(job);
  atomic_fetch_sub(&live_jobs, 1);
  push(queue, node);
  return 0;
}

/* Calls a function of the C API that returns an error pointer, with up to six integers or addresses, on
 * a new thread. packed is {u64 function, u64 argument[6]}; the record of its end carries the slot.
 * Returns 0 when no thread could be made. */
EXPORT uint32_t tts_call(uint32_t number, uint32_t slot, const uint64_t* packed) {
  Job* job = malloc(sizeof(Job));
  job->queue = queues[number];
  job->slot = slot;
  job->function = packed[0];
  memcpy(job->argument, packed + 1, sizeof job->argument);
  atomic_fetch_add(&live_jobs, 1);
  pthread_t thread;
  if (pthread_create(&thread, 0, job_run, job)) {
    atomic_fetch_sub(&live_jobs, 1);
    free(job);
    return 0;
  }
  pthread_detach(thread);
  return 1;
}
