/* An event loop's waiting. It belongs to one JavaScript thread, which has two ways to wait:
 *
 * - While there is traffic it waits by itself, for a moment, in a call: nothing has to be handed from
 *   thread to thread then, and the processor is free for the models.
 * - When nothing has come for a while it arms the loop's waker, a thread that waits in its place and calls
 *   JavaScript when something is ready. In Deno a call into JavaScript blocks its caller until the event
 *   loop has run it, and no thread of Triton may wait for JavaScript; so only this thread makes such calls. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define YIELDS 12

typedef struct {
  int epoll;
  int signal; /* an eventfd in epoll */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int armed;
  int waking; /* the waker thread is in JavaScript, or about to be */
  uint32_t wakes;
  void (*wake)(void);
  void* queue;
  int is_free; /* nobody's, under loops_lock; its waker waits for the next owner */
} Loop;

#define LOOPS 256
static Loop* loops[LOOPS];
static pthread_mutex_t loops_lock = PTHREAD_MUTEX_INITIALIZER;

int loop_epoll(uint32_t number) { return loops[number]->epoll; }

void loop_attach(uint32_t number, void* queue) { loops[number]->queue = queue; }

void loop_signal(uint32_t number) {
  uint64_t one = 1;
  while (write(loops[number]->signal, &one, sizeof one) < 0 && errno == EINTR) {}
}

void loop_heard(uint32_t number) {
  uint64_t count;
  while (read(loops[number]->signal, &count, sizeof count) < 0 && errno == EINTR) {}
}

/* epoll_wait with a time-out in microseconds, which is newer than some systems. */
static int wait_for_events(int epoll, struct epoll_event* events, int most, uint32_t microseconds) {
  struct timespec time = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
#ifdef SYS_epoll_pwait2
  static atomic_int is_missing;
  if (!atomic_load_explicit(&is_missing, memory_order_relaxed)) {
    long count = syscall(SYS_epoll_pwait2, epoll, events, most, &time, 0, 0);
    if (count >= 0 || errno != ENOSYS) return (int)count;
    atomic_store(&is_missing, 1);
  }
#endif
  struct pollfd ready = {.fd = epoll, .events = POLLIN};
  ppoll(&ready, 1, &time, 0);
  return epoll_wait(epoll, events, most, 0);
}

/* Set when the process is about to end, by the thread that ends it. The libraries are taken apart then, so
 * the event loops of other threads must not call them any more. */
static atomic_int is_ending;
static pthread_t ender;

int loop_events(uint32_t number, struct epoll_event* events, int most, uint32_t microseconds) {
  while (atomic_load_explicit(&is_ending, memory_order_acquire) && !pthread_equal(pthread_self(), ender)) pause();
  Loop* loop = loops[number];
  void* queue = loop->queue;
  if (microseconds == 0) return epoll_wait(loop->epoll, events, most, 0);
  if (queue && queue_runs(queue)) {
    int count = epoll_wait(loop->epoll, events, most, 0);
    if (count != 0) return count;
    /* Models on the same processor get it now, and answer all that they were asked. One on another processor
     * often answers within microseconds, before a sleep would have begun. */
    for (int i = 0; i <= YIELDS && queue_expects(queue); i++) sched_yield();
    if (!queue_expects(queue)) return 0;
  }
  if (queue && !queue_sleeps(queue)) return epoll_wait(loop->epoll, events, most, 0);
  int count = wait_for_events(loop->epoll, events, most, microseconds);
  if (queue) queue_awake(queue);
  return count;
}

static void* waker(void* argument) {
  Loop* loop = argument;
  for (;;) {
    pthread_mutex_lock(&loop->lock);
    while (!loop->armed) pthread_cond_wait(&loop->changed, &loop->lock);
    pthread_mutex_unlock(&loop->lock);
    struct pollfd ready = {.fd = loop->epoll, .events = POLLIN};
    while (poll(&ready, 1, -1) < 0 && errno == EINTR) {}
    pthread_mutex_lock(&loop->lock);
    void (*wake)(void) = loop->armed ? loop->wake : 0;
    loop->armed = 0;
    loop->waking = wake != 0;
    if (wake) loop->wakes++;
    pthread_mutex_unlock(&loop->lock);
    if (!wake) continue;
    wake();
    pthread_mutex_lock(&loop->lock);
    loop->waking = 0;
    pthread_mutex_unlock(&loop->lock);
  }
  return 0;
}

/* NULL when no descriptor or thread could be made. */
static Loop* loop_make(void) {
  Loop* loop = calloc(1, sizeof(Loop));
  if (!loop) return 0;
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  loop->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init(&loop->lock, 0);
  pthread_cond_init(&loop->changed, 0);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = LOOP_SIGNAL};
  pthread_t thread;
  if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->signal, &event) || pthread_create(&thread, 0, waker, loop)) {
    if (loop->epoll >= 0) close(loop->epoll);
    if (loop->signal >= 0) close(loop->signal);
    free(loop);
    return 0;
  }
  pthread_detach(thread);
  return loop;
}

/* Makes a loop whose waker calls wake, or takes one that was given back. Returns its number, or 2^32-1 when
 * there are too many, or no descriptor or thread could be made. */
EXPORT uint32_t tts_loop_new(void (*wake)(void)) {
  pthread_mutex_lock(&loops_lock);
  uint32_t number = 0;
  while (number < LOOPS && loops[number] && !loops[number]->is_free) number++;
  Loop* loop = 0;
  if (number < LOOPS) loop = loops[number] ? loops[number] : (loops[number] = loop_make());
  if (loop) loop->is_free = 0;
  pthread_mutex_unlock(&loops_lock);
  if (!loop) return UINT32_MAX;
  loop_heard(number);
  pthread_mutex_lock(&loop->lock);
  loop->wake = wake;
  loop->wakes = 0;
  pthread_mutex_unlock(&loop->lock);
  return number;
}

/* Gives the processor to models that wait for it. */
EXPORT void tts_loop_yield(void) { sched_yield(); }

/* Asks for one wake when anything is ready. */
EXPORT void tts_loop_arm(uint32_t number) {
  Loop* loop = loops[number];
  pthread_mutex_lock(&loop->lock);
  loop->armed = 1;
  pthread_mutex_unlock(&loop->lock);
  pthread_cond_signal(&loop->changed);
  if (loop->queue && !queue_sleeps(loop->queue)) loop_signal(number);
}

/* Takes the order for a wake back. Returns how many wakes there have been: of those that the event loop has
 * not seen, the last one is still under way. */
EXPORT uint32_t tts_loop_disarm(uint32_t number) {
  Loop* loop = loops[number];
  pthread_mutex_lock(&loop->lock);
  loop->armed = 0;
  uint32_t wakes = loop->wakes;
  pthread_mutex_unlock(&loop->lock);
  if (loop->queue) queue_awake(loop->queue);
  return wakes;
}

/* No wake after this: its event loop is about to end. A wake under way gets a moment to end, but not for
 * ever: in Deno it waits for the event loop, which may be the one that runs this. */
static void mute(Loop* loop) {
  for (int waited = 0; waited < 20; waited++) {
    pthread_mutex_lock(&loop->lock);
    loop->wake = 0;
    int waking = loop->waking;
    pthread_mutex_unlock(&loop->lock);
    if (!waking) return;
    struct timespec millisecond = {0, 1000000};
    nanosleep(&millisecond, 0);
  }
}

EXPORT void tts_loop_mute(uint32_t number) { mute(loops[number]); }

/* Gives a muted loop back that watches no socket, for another owner. */
EXPORT void tts_loop_free(uint32_t number) {
  Loop* loop = loops[number];
  pthread_mutex_lock(&loop->lock);
  loop->armed = 0;
  loop->queue = 0;
  int waking = loop->waking;
  pthread_mutex_unlock(&loop->lock);
  pthread_mutex_lock(&loops_lock);
  loop->is_free = !waking;
  pthread_mutex_unlock(&loops_lock);
}

/* The same as tts_loop_mute for all loops: the calling thread is about to end the process. */
EXPORT void tts_loop_mute_all(void) {
  ender = pthread_self();
  atomic_store_explicit(&is_ending, 1, memory_order_release);
  for (uint32_t number = 0; number < LOOPS; number++) if (loops[number]) mute(loops[number]);
}
