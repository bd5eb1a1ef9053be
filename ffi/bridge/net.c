/* Sockets for an event loop, which reads and writes in a few calls that each serve many connections.
 *
 * The sockets do not block; the epoll instance of their loop watches them, and no two threads touch one.
 * Knows nothing of the protocols above it, and keeps no data: what cannot be sent stays with the caller,
 * who asks to be told when the socket takes more. */
#define _GNU_SOURCE
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* What a socket is watched for; the same bits in sockets.ts. */
enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_ONLY = 4, WATCH_LISTENER = 8 };
enum { NET_ACCEPTED = 1, NET_DATA = 2, NET_READABLE = 3, NET_ENDED = 4, NET_CLOSED = 5, NET_WRITABLE = 6,
  NET_REFUSED = 7 };

typedef struct { uint32_t kind, socket, length, detail; } Event; /* and length bytes, padded to 8 */

#define BACKLOG 1024
#define EVENTS 128
/* The least room that one connection is given to read into. */
#define LEAST_READ 16384
/* Connections accepted in one poll, so that the others get their turn. */
#define ACCEPTS 64
#define ADDRESS_LENGTH 64

static int watch(uint32_t loop, int operation, int socket, uint32_t interest) {
  struct epoll_event event = {.events = (interest & WATCH_READ ? EPOLLIN : 0) | (interest & WATCH_WRITE ? EPOLLOUT : 0)};
  event.data.u64 = (uint64_t)interest << 32 | (uint32_t)socket;
  return epoll_ctl(loop_epoll(loop), operation, socket, &event);
}

/* Changes what a socket is watched for: a sum of WATCH bits. */
EXPORT void tts_net_watch(uint32_t number, int32_t socket, uint32_t interest) {
  watch(number, EPOLL_CTL_MOD, socket, interest);
}

/* Lets go of a socket, for another loop to take it: no two watch the same. */
EXPORT void tts_net_leave(uint32_t number, int32_t socket) {
  epoll_ctl(loop_epoll(number), EPOLL_CTL_DEL, socket, 0);
}

/* Watches a socket that another loop has let go of, for reading. Returns 0, or a negative errno. */
EXPORT int32_t tts_net_join(uint32_t number, int32_t socket) {
  return watch(number, EPOLL_CTL_ADD, socket, WATCH_READ) ? -errno : 0;
}

/* ---- Listening ---- */

static int refuse(int socket) {
  int reason = errno;
  close(socket);
  return -reason;
}

/* The socket file of a server that is gone is in nobody's use. */
static int is_stale(const struct sockaddr_un* address) {
  struct stat file;
  if (stat(address->sun_path, &file) < 0 || !S_ISSOCK(file.st_mode)) return 0;
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return 0;
  int stale = connect(probe, (const struct sockaddr*)address, sizeof *address) < 0 && errno == ECONNREFUSED;
  close(probe);
  return stale;
}

static int listen_unix(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -errno;
  int failed = bind(listener, (struct sockaddr*)&address, sizeof address);
  if (failed && errno == EADDRINUSE && is_stale(&address)) {
    unlink(path);
    failed = bind(listener, (struct sockaddr*)&address, sizeof address);
  }
  if (failed || listen(listener, BACKLOG)) return refuse(listener);
  return listener;
}

static int listen_tcp(const char* host, uint32_t port, int reuse_port) {
  struct sockaddr_storage storage = {0};
  struct sockaddr_in* four = (struct sockaddr_in*)&storage;
  struct sockaddr_in6* six = (struct sockaddr_in6*)&storage;
  socklen_t size;
  if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    size = sizeof *four;
  } else if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    size = sizeof *six;
  } else {
    return -EINVAL;
  }
  int listener = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -errno;
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (reuse_port) setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (bind(listener, (struct sockaddr*)&storage, size) || listen(listener, BACKLOG)) return refuse(listener);
  return listener;
}

static uint32_t port_of(const struct sockaddr_storage* address) {
  if (address->ss_family == AF_INET) return ntohs(((const struct sockaddr_in*)address)->sin_port);
  if (address->ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6*)address)->sin6_port);
  return 0;
}

/* Listens on a numeric address and port, or, when address begins with a slash, on a Unix domain socket.
 * Returns the socket and writes its port to out, or returns a negative errno. */
EXPORT int32_t tts_net_listen(uint32_t number, const char* address, uint32_t port, uint32_t reuse_port, uint8_t* out) {
  int listener = address[0] == '/' ? listen_unix(address) : listen_tcp(address, port, reuse_port != 0);
  if (listener < 0) return listener;
  struct sockaddr_storage bound = {0};
  socklen_t size = sizeof bound;
  getsockname(listener, (struct sockaddr*)&bound, &size);
  uint32_t bound_port = port_of(&bound);
  memcpy(out, &bound_port, 4);
  if (watch(number, EPOLL_CTL_ADD, listener, WATCH_READ | WATCH_LISTENER)) return refuse(listener);
  return listener;
}

/* ---- Polling ---- */

typedef struct { uint8_t* at; uint8_t* end; } Events;

static void put_event(Events* out, uint32_t kind, int socket, uint32_t length, uint32_t detail) {
  Event event = {kind, (uint32_t)socket, length, detail};
  memcpy(out->at, &event, sizeof event);
  out->at += sizeof event + ((length + 7) & ~7u);
}

static size_t room(const Events* out) { return (size_t)(out->end - out->at); }

static uint32_t print_address(const struct sockaddr_storage* address, char* text) {
  text[0] = 0;
  if (address->ss_family == AF_INET) {
    inet_ntop(AF_INET, &((const struct sockaddr_in*)address)->sin_addr, text, ADDRESS_LENGTH);
  } else if (address->ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &((const struct sockaddr_in6*)address)->sin6_addr, text, ADDRESS_LENGTH);
  }
  return (uint32_t)strlen(text);
}

/* Accepted: socket is the new one, detail the listener, the bytes {u32 port, text of the address}. */
static void accept_some(uint32_t loop, int listener, Events* out) {
  for (int i = 0; i < ACCEPTS && room(out) >= sizeof(Event) + 8 + ADDRESS_LENGTH; i++) {
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof peer;
    int socket = accept4(listener, (struct sockaddr*)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      /* No more descriptors or memory: the listener stays ready, so the caller must pause it. */
      if (errno != EAGAIN) put_event(out, NET_REFUSED, listener, 0, (uint32_t)errno);
      return;
    }
    int one = 1;
    if (peer.ss_family != AF_UNIX) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (watch(loop, EPOLL_CTL_ADD, socket, WATCH_READ)) {
      close(socket);
      continue;
    }
    uint32_t port = port_of(&peer);
    uint8_t* bytes = out->at + sizeof(Event);
    memcpy(bytes, &port, 4);
    uint32_t length = print_address(&peer, (char*)bytes + 4);
    put_event(out, NET_ACCEPTED, socket, 4 + length, (uint32_t)listener);
  }
}

static void read_some(uint32_t loop, int socket, uint32_t interest, size_t share, Events* out) {
  ssize_t length = recv(socket, out->at + sizeof(Event), share, 0);
  if (length > 0) {
    put_event(out, NET_DATA, socket, (uint32_t)length, 0);
  } else if (length == 0) {
    /* The end stays readable for ever: it is told once. */
    watch(loop, EPOLL_CTL_MOD, socket, interest & ~(uint32_t)WATCH_READ);
    put_event(out, NET_ENDED, socket, 0, 0);
  } else if (errno != EAGAIN && errno != EINTR) {
    put_event(out, NET_CLOSED, socket, 0, (uint32_t)errno);
  }
}

/* Writes what happened to out, as much as fits; returns the bytes written, 0 when nothing is ready. Waits
 * for something to be ready, for so many microseconds at the most; a record of the loop's queue ends the
 * wait too. */
EXPORT uint32_t tts_net_poll(uint32_t number, uint8_t* buffer, uint32_t capacity, uint32_t microseconds) {
  int epoll = loop_epoll(number);
  struct epoll_event events[EVENTS];
  /* No more events than there is room for: those that are handed out go to the end of the line. */
  size_t room_for = capacity / (LEAST_READ + 2 * sizeof(Event) + 16);
  int most = room_for < 1 ? 1 : room_for > EVENTS ? EVENTS : (int)room_for;
  int count = loop_events(number, events, most, microseconds);
  /* Half of them at a time: the clients of one half work while this side works for the other. */
  if (count > 1) count = epoll_wait(epoll, events, (count + 1) / 2, 0);
  Events out = {buffer, buffer + capacity};
  for (int i = 0; i < count; i++) {
    if (events[i].data.u64 == LOOP_SIGNAL) {
      loop_heard(number);
      continue;
    }
    int socket = (int)(uint32_t)events[i].data.u64;
    uint32_t interest = (uint32_t)(events[i].data.u64 >> 32), happened = events[i].events;
    size_t left = (size_t)(count - i) * (2 * sizeof(Event) + 16);
    if (room(&out) < left + LEAST_READ) break;
    if (interest & WATCH_LISTENER) {
      accept_some(number, socket, &out);
      continue;
    }
    if (happened & EPOLLOUT) put_event(&out, NET_WRITABLE, socket, 0, 0);
    if (happened & EPOLLIN && interest & WATCH_ONLY) {
      put_event(&out, NET_READABLE, socket, 0, 0);
    } else if (happened & EPOLLIN) {
      size_t share = (room(&out) - left) / (size_t)(count - i);
      read_some(number, socket, interest, share < LEAST_READ ? LEAST_READ : share & ~(size_t)7, &out);
    } else if (happened & (EPOLLERR | EPOLLHUP)) {
      put_event(&out, NET_CLOSED, socket, 0, 0);
    }
  }
  return (uint32_t)(out.at - buffer);
}

/* ---- Reading, writing, closing ---- */

/* Reads into memory of the caller. Returns the bytes read, 0 at the end, or a negative errno. */
EXPORT int32_t tts_net_read(int32_t socket, uint8_t* target, uint32_t size) {
  ssize_t length = recv(socket, target, size > INT32_MAX ? INT32_MAX : size, 0);
  return length < 0 ? -errno : (int32_t)length;
}

/* Sends bytes; more says that others follow at once. Returns the bytes taken, or a negative errno. */
EXPORT int32_t tts_net_write(int32_t socket, const uint8_t* bytes, uint32_t size, uint32_t more) {
  ssize_t length = send(socket, bytes, size > INT32_MAX ? INT32_MAX : size, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  return length < 0 ? -errno : (int32_t)length;
}

/* Sends to many sockets: entries {u32 socket, u32 length, bytes padded to 8}. What tts_net_write would
 * return is written to results, 4 bytes for each entry in turn. */
EXPORT void tts_net_send(const uint8_t* batch, uint32_t size, int32_t* results) {
  for (uint32_t at = 0; at < size;) {
    uint32_t entry[2];
    memcpy(entry, batch + at, 8);
    *results++ = tts_net_write((int32_t)entry[0], batch + at + 8, entry[1], 0);
    at += 8 + ((entry[1] + 7) & ~7u);
  }
}

/* Tells the peer that nothing more comes. */
EXPORT void tts_net_finish(int32_t socket) { shutdown(socket, SHUT_WR); }

EXPORT void tts_net_close(int32_t socket) { close(socket); }
