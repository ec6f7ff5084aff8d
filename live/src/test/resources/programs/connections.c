// COUNT connections in one process, or two, or with one end outside the tree, busy in both directions: one thread echoes,
// or a child; one sends numbered messages on each and checks what comes back. A wrong byte, an end or an error fails it.
#include "victim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MOST 4000
#define WORDS 64
static int count = 1000, listening, server[MOST], client[MOST];
static uint64_t sent[MOST], heard[MOST];
static volatile int done, quiet;
static volatile uint64_t rounds;

static void *echo(void *unused) {
  (void)unused;
  int epoll = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {EPOLLIN, {.u32 = (uint32_t)i}};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, server[i], &event) == 0, "epoll_ctl: %m");
  }
  char buffer[8 * WORDS];
  while (!quiet) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, 50);
    for (int e = 0; e < ready; e++) {
      int fd = server[events[e].data.u32];
      ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      // The last to go when the other end is done.
      if (got == 0 && getenv("OUTSIDE")) _exit(0);
      check(got > 0, "connection %u: recv %zd: %m", events[e].data.u32, got);
      for (ssize_t at = 0; at < got;) {
        ssize_t back = send(fd, buffer + at, (size_t)(got - at), MSG_NOSIGNAL);
        check(back > 0, "connection %u: send: %m", events[e].data.u32);
        at += back;
      }
    }
  }
  return NULL;
}

static uint64_t word(int i, uint64_t n) { return (n * 0x9e3779b97f4a7c15u) ^ (uint64_t)i; }

static void hear(int i) {
  uint64_t words[WORDS];
  ssize_t got = recv(client[i], words, sizeof words, MSG_WAITALL);
  check(got == (ssize_t)sizeof words, "connection %d: recv %zd: %m", i, got);
  for (int w = 0; w < WORDS; w++) check(words[w] == word(i, heard[i] + (uint64_t)w), "connection %d: wrong bytes", i);
  heard[i] += WORDS;
}

static void *talk(void *unused) {
  (void)unused;
  uint64_t words[WORDS];
  while (!done) {
    for (int i = 0; i < count && !done; i++) {
      for (int w = 0; w < WORDS; w++) words[w] = word(i, sent[i] + (uint64_t)w);
      check(send(client[i], words, sizeof words, MSG_NOSIGNAL) == (ssize_t)sizeof words, "connection %d: send: %m", i);
      sent[i] += WORDS;
      if (sent[i] - heard[i] > 4 * WORDS) hear(i);
    }
    rounds++;
  }
  for (int i = 0; i < count; i++)
    while (heard[i] < sent[i]) hear(i);
  return NULL;
}

int main(void) {
  victim_start();
  if (getenv("CONNECTIONS")) count = atoi(getenv("CONNECTIONS"));
  struct rlimit files = {16000, 16000};
  check(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit: %m");
  listening = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof at;
  check(bind(listening, (void *)&at, sizeof at) == 0 && listen(listening, 128) == 0, "listen: %m");
  check(getsockname(listening, (void *)&at, &length) == 0, "getsockname: %m");
  for (int i = 0; i < count; i++) {
    client[i] = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(client[i], (void *)&at, sizeof at) == 0, "connect: %m");
    server[i] = accept(listening, NULL, NULL);
    check(server[i] >= 0, "accept: %m");
    int one = 1;
    check(setsockopt(client[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "TCP_NODELAY: %m");
  }
  pthread_t echoing, talking;
  pid_t child = getenv("FORKED") ? fork() : -1;
  if (child == 0) {
    echo(NULL);
    _exit(0);
  }
  if (getenv("OUTSIDE")) {
    // A grandchild whose parent ends is no descendant any more.
    child = fork();
    if (child == 0) {
      if (fork() == 0) {
        setsid();
        for (int i = 0; i < count; i++) close(client[i]);
        close(listening);
        echo(NULL);
      }
      _exit(0);
    }
    check(waitpid(child, NULL, 0) == child, "waitpid: %m");
    for (int i = 0; i < count; i++) close(server[i]);
    close(listening);
  }
  check(child > 0 || pthread_create(&echoing, NULL, echo, NULL) == 0, "pthread_create");
  check(pthread_create(&talking, NULL, talk, NULL) == 0, "pthread_create");
  ready("busy");
  uint64_t before = rounds;
  for (int i = 0; i < 2000 && rounds < before + 3; i++) usleep(5000);
  check(rounds >= before + 3, "it stands still");
  ready("still-busy");
  done = 1;
  pthread_join(talking, NULL);
  quiet = 1;
  if (getenv("OUTSIDE")) pass();
  if (child > 0)
    check(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "the child: %m");
  else
    pthread_join(echoing, NULL);
  for (int i = 0; i < count; i++) check(sent[i] == heard[i], "connection %d", i);
  pass();
}
