/* What an event loop waits for: its sockets (net.c) and its records (bridge.c). */
#ifndef TTS_LOOP_H
#define TTS_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

/* ---- loop.c ---- */

/* The epoll instance of a loop. An event whose data is LOOP_SIGNAL is the loop's own. */
#define LOOP_SIGNAL UINT64_MAX
int loop_epoll(uint32_t number);

/* The records that the loop waits for, besides its sockets. */
void loop_attach(uint32_t number, void* queue);

/* Ends the loop's wait. Any thread may call it. */
void loop_signal(uint32_t number);

/* Takes a signal back that has come. */
void loop_heard(uint32_t number);

/* What is ready, as epoll_wait has it. Waits for so many microseconds at the most; a record ends the wait too. */
int loop_events(uint32_t number, struct epoll_event* events, int most, uint32_t microseconds);

/* ---- bridge.c ---- */

/* Whether the queue is empty. If so, the next record that comes signals its loop. */
int queue_sleeps(void* queue);

/* Whether requests run. Only for the event loop, */
int queue_runs(void* queue);

/* as whether they do and no record is there. */
int queue_expects(void* queue);

/* No signal is needed: the loop will look by itself. */
void queue_awake(void* queue);

#endif
