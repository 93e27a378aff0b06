// What do the objects under the kqueue promise?
//
// A kqueue reports on pipes, sockets and files that are not its own. How much space a pipe has,
// what FIONREAD means on datagrams, when a write end counts as writable: these are facts of the
// host, kept apart from the profile, so that FreeBSD's rules over Linux's objects are two tables
// and no special case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kqtorture::contract {

// When does a knote learn that its object became ready?
enum class Observed : uint8_t {
  kAtOnce,  // with the activity itself, as a kernel does
  kAtScan   // at the next scan of its kqueue, as an emulation on epoll does: activity that came and
            // went between two scans may be seen or not, and so may the last byte count before it
};
// The order in which activations of different knotes are delivered (I16).
enum class Order : uint8_t {
  kByActivation,  // first activated, first delivered
  kUntilScan  // a knote with an object takes its place in the queue at some time before the next
              // scan; USER knotes, and knotes that a scan put back, keep their order
};
// Does taking bytes out of an object activate the WRITE knotes at its other end? Under
// kUnknown every transfer of a pipe may tell everybody who watches its buffer.
enum class WriteActivation : uint8_t {
  kUnknown,       // it may
  kOnFullToFree,  // only when it was full before; otherwise nothing happens
};
enum class DatagramCount : uint8_t { kAllBytes, kFirstDatagram, kEither };

struct Host {
  const char* name = "";

  // Limits of every subject.
  int64_t pipe_buf = 512;              // PIPE_BUF: space that makes a pipe writable
  int64_t pipe_capacity_min = 65536;   // bytes an empty pipe takes, at least
  int64_t pipe_capacity_max = 65536;   // and at most
  int64_t pipe_slot = 4096;            // a pipe is an array of slots of this size; 1: of bytes
  bool pipe_bidirectional = false;     // both ends of a pipe read and write
  int64_t pipe_back_capacity_min = 0;  // bytes it then takes on the way from end 0, at least
  WriteActivation pipe_write_activation = WriteActivation::kOnFullToFree;

  int64_t socket_free_max = 0;    // upper bound of WRITE data of any socket
  int64_t socket_sure_bytes = 0;  // a local socket surely is writable while the bytes in flight,
  int64_t socket_overhead = 0;    // each write counted as twice its bytes plus this, stay below
  int64_t inet_sure_bytes = 0;    // a TCP end surely takes while nobody reads: its first window
  int64_t socket_write_low_water = 1;  // lower bound of WRITE data when writable
  DatagramCount datagram_count = DatagramCount::kEither;
  bool shutdown_reading_reaches_peer = false;  // AF_UNIX: SHUT_RD here ends the peer's sending
  bool half_close_shows = true;       // an end that may not send any more is seen as EOF of WRITE
                                      // even while it may receive; else it may be or not
  bool shutdown_keeps_unread = true;  // SHUT_RD leaves the bytes that wait to be read
  // After SHUT_RD its READ knotes hear of nothing more for sure: FreeBSD's sorflush() clears
  // SB_KNOTE with the rest of the buffer.
  bool shutdown_forgets_knotes = false;
  bool reset_on_unread = true;  // closing with unread bytes may leave ECONNRESET at the peer
  bool backlog_exact = false;   // READ data of a listener is its connections; else 1 to that

  int64_t eventfd_read_min = 1;  // READ data of a non-zero counter, bounds of. exact: the
  bool eventfd_exact = false;    // counter itself

  // An unprivileged process sees forks and execs of others: PROC takes FORK, EXEC and TRACK. Where
  // it does not, a change that asks for them is refused with ENOTSUP.
  bool sees_forks = true;

  // Filters that the subject has and the model has not, bit -n for filter -n: an ADD of one makes a
  // program undecided. Filters of the table in neither are empty slots.
  uint32_t unmodelled_filters = 0;

  Observed activation = Observed::kAtOnce;    // objects' activity
  Observed registration = Observed::kAtOnce;  // the state found by an ADD or other change
  Order order = Order::kByActivation;
  // A half close is told to the other direction's knotes too: it may activate them.
  bool half_close_activates_both = false;
  // Kqueues that watch each other in a cycle, or in a chain longer than this, may be refused.
  int nesting_limit = 0;  // 0: none
  // A change may put a knote into the queue whose object is not ready, for the scan to throw out:
  // its kqueue then counts as readable (I17), and later activity finds the knote in its place.
  bool queues_unready = false;
  bool disabled_keeps_place = true;  // in the queue, when enabled again before a scan; else perhaps
  bool file_activity_seen = true;    // writing to a regular file activates READ on it
  bool nested_count_exact = false;   // READ data of a kqueue is the number of queued knotes
};

inline constexpr size_t kHosts = 3;
// "linux" (objects of Linux under an emulation on epoll), "linux-at-once" (the same objects under
// something that notices at once), "bsd".
const Host (&hosts())[kHosts];
const Host* find_host(std::string_view name);
std::string to_text(const Host& host);

}  // namespace kqtorture::contract
