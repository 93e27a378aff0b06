// A subject of the runtime's own tests: right and wrong uses of everything that it controls.
// Compiled as subjects are, with -fsanitize=thread and without its runtime.
#include "patient.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#define PATIENT extern "C" __attribute__((visibility("default")))

namespace {

pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
std::atomic<int> counter{0};
int plain = 0;
bool ready = false;
int* shared = nullptr;
pthread_once_t once = PTHREAD_ONCE_INIT;
int made = 0;

struct Once {
  Once() { made++; }
};

void make_once() { made++; }

}  // namespace

PATIENT int patient_counter() { return counter.load(); }

// Two steps that are one by mistake.
PATIENT void patient_lose_update() {
  const int seen = counter.load();
  counter.store(seen + 1);
}

PATIENT void patient_update() { counter.fetch_add(1); }

PATIENT void patient_write_plainly() { plain++; }

PATIENT void patient_write_locked() {
  pthread_mutex_lock(&first);
  plain++;
  pthread_mutex_unlock(&first);
}

PATIENT void patient_lock_in_order(int turned) {
  pthread_mutex_t* a = turned ? &second : &first;
  pthread_mutex_t* b = turned ? &first : &second;
  pthread_mutex_lock(a);
  pthread_mutex_lock(b);
  plain++;
  pthread_mutex_unlock(b);
  pthread_mutex_unlock(a);
}

PATIENT void patient_wait_for_signal() {
  pthread_mutex_lock(&first);
  while (!ready) pthread_cond_wait(&condition, &first);
  pthread_mutex_unlock(&first);
}

// Forgets to look before it waits: a signal that came first is lost.
PATIENT void patient_wait_blindly() {
  pthread_mutex_lock(&first);
  pthread_cond_wait(&condition, &first);
  pthread_mutex_unlock(&first);
}

PATIENT void patient_signal() {
  pthread_mutex_lock(&first);
  ready = true;
  pthread_cond_signal(&condition);
  pthread_mutex_unlock(&first);
}

PATIENT int patient_wait_a_while(long milliseconds) {
  timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += milliseconds / 1000;
  pthread_mutex_lock(&first);
  int error = 0;
  while (!ready && error == 0) error = pthread_cond_timedwait(&condition, &first, &end);
  pthread_mutex_unlock(&first);
  return error;
}

PATIENT void patient_make() { shared = static_cast<int*>(malloc(4 * sizeof(int))); }
PATIENT void patient_free() {
  pthread_mutex_lock(&first);
  free(shared);
  pthread_mutex_unlock(&first);
}
PATIENT void patient_use(int index) {
  pthread_mutex_lock(&first);
  shared[index] = 1;
  pthread_mutex_unlock(&first);
}
PATIENT void* patient_address() { return malloc(100); }

PATIENT int patient_make_once() {
  pthread_once(&once, make_once);
  static const Once object;
  return made;
}

PATIENT void patient_spin_until(int value) {
  while (counter.load() < value) sched_yield();
}

namespace {

void* child(void* argument) {
  counter.fetch_add(1);
  return argument;
}

}  // namespace

PATIENT long patient_start_and_join() {
  pthread_t thread;
  void* result = nullptr;
  if (pthread_create(&thread, nullptr, child, reinterpret_cast<void*>(42)) != 0) return -1;
  if (pthread_join(thread, &result) != 0) return -2;
  return reinterpret_cast<long>(result);
}

PATIENT int patient_read_pipe(int fd) {
  char byte;
  return static_cast<int>(read(fd, &byte, 1));
}
PATIENT int patient_write_pipe(int fd) { return static_cast<int>(write(fd, "x", 1)); }

// Nanoseconds that an hour took, and how often its timer expired.
PATIENT long patient_sleep_on_timer(long seconds, unsigned long* expirations) {
  timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const int instance = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(instance, EPOLL_CTL_ADD, timer, &event);
  itimerspec when{};
  when.it_value.tv_sec = seconds;
  timerfd_settime(timer, 0, &when, nullptr);
  const int events = epoll_wait(instance, &event, 1, -1);
  if (events != 1 || read(timer, expirations, sizeof *expirations) != sizeof *expirations) {
    return -1;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  close(timer);
  close(instance);
  return (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec;
}

namespace {

int timer_of_a_nanosecond() {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  itimerspec when{};
  when.it_value.tv_nsec = when.it_interval.tv_nsec = 1;
  timerfd_settime(timer, 0, &when, nullptr);
  return timer;
}

}  // namespace

// Nanoseconds that the sleep took, and how often a timer that nobody read meanwhile expired in it.
PATIENT long patient_sleep_beside_timer(long milliseconds, unsigned long* expirations) {
  timespec begin, end;
  const int timer = timer_of_a_nanosecond();
  clock_gettime(CLOCK_MONOTONIC, &begin);
  const timespec time{0, milliseconds * 1000000L};
  nanosleep(&time, nullptr);
  clock_gettime(CLOCK_MONOTONIC, &end);
  if (read(timer, expirations, sizeof *expirations) != sizeof *expirations) return -1;
  close(timer);
  return (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec;
}

// How many edges a timer has in 4 ms: while nobody asks it, one; then another, and the one after it
// was read.
PATIENT int patient_edges_of_a_timer(unsigned long* expirations) {
  const int instance = epoll_create1(EPOLL_CLOEXEC);
  const int timer = timer_of_a_nanosecond();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  epoll_ctl(instance, EPOLL_CTL_ADD, timer, &event);
  int edges = 0;
  for (int i = 0; i < 2; i++) edges += epoll_wait(instance, &event, 1, 1);
  itimerspec left;
  timerfd_gettime(timer, &left);
  edges += epoll_wait(instance, &event, 1, 1);
  if (read(timer, expirations, sizeof *expirations) != sizeof *expirations) return -1;
  edges += epoll_wait(instance, &event, 1, 1);
  close(timer);
  close(instance);
  return edges;
}

PATIENT void patient_wait_beside_timer() {
  timer_of_a_nanosecond();
  pthread_mutex_lock(&first);
  pthread_cond_wait(&condition, &first);
  pthread_mutex_unlock(&first);
}

PATIENT int patient_leave_open() { return eventfd(0, EFD_CLOEXEC); }

PATIENT void patient_fork() {
  if (fork() == 0) _exit(0);
}
