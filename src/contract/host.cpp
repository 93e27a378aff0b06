// The figures of the hosts, each with the argument for its value where it is a bound.
#include "contract/host.h"

#include "contract/vocabulary.h"

namespace kqtorture::contract {
namespace {

constexpr uint32_t filters_up_to(int lowest) { return (2u << lowest) - 2; }

// Linux 5.10 and later. Pipes are 16 slots of a page. A local stream socket is writable while a
// quarter of its send buffer (212992 bytes unless the administrator changed it) covers what is in
// flight; each write costs its bytes rounded up and a header of less than 4096 bytes.
constexpr Host linux_at_once() {
  Host h;
  h.name = "linux-at-once";
  h.pipe_buf = 1;
  h.pipe_capacity_min = 65536;
  h.pipe_capacity_max = 65536;
  h.pipe_slot = 4096;
  h.socket_free_max = 64 << 20;
  h.socket_sure_bytes = 212992 / 4;
  h.inet_sure_bytes = 131072 / 2;  // tcp_rmem, of which half is window
  h.socket_overhead = 4096;
  h.shutdown_reading_reaches_peer = true;
  h.half_close_shows = false;
  h.half_close_activates_both = true;
  h.sees_forks = false;
  return h;
}

constexpr Host linux_epoll() {
  Host h = linux_at_once();
  h.name = "linux";
  h.activation = Observed::kAtScan;
  h.order = Order::kUntilScan;
  h.nesting_limit = 4;
  h.queues_unready = true;
  h.disabled_keeps_place = false;
  h.file_activity_seen = false;
  return h;
}

constexpr Host bsd() {
  Host h;
  h.name = "bsd";
  h.pipe_capacity_min = 16384;
  h.pipe_capacity_max = 1 << 20;
  h.pipe_slot = 1;
  h.pipe_bidirectional = true;
  h.pipe_back_capacity_min = 4096;  // FreeBSD's SMALL_PIPE_SIZE, a page
  h.pipe_write_activation = WriteActivation::kUnknown;
  h.socket_free_max = 64 << 20;
  h.socket_sure_bytes = 4096;
  h.inet_sure_bytes = 32768;  // net.inet.tcp.recvspace is 65536, OpenBSD's 16384 grows as it fills
  h.socket_overhead = 512;
  h.shutdown_keeps_unread = false;
  h.shutdown_forgets_knotes = true;
  h.datagram_count = DatagramCount::kAllBytes;
  h.backlog_exact = true;
  h.eventfd_exact = true;
  h.nested_count_exact = true;
  // Everything but READ, WRITE, PROC, SIGNAL, TIMER and USER, and the newest that FreeBSD has.
  h.unmodelled_filters = filters_up_to(15) & ~(1u << 1) & ~(1u << 2) & ~(1u << 7) & ~(1u << 11) &
                         ~(1u << 5) & ~(1u << 6) & ~(1u << 3) & ~(1u << 10) & ~(1u << 12);
  return h;
}

constexpr Host kEveryHost[kHosts] = {linux_epoll(), linux_at_once(), bsd()};

}  // namespace

const Host (&hosts())[kHosts] { return kEveryHost; }

const Host* find_host(std::string_view name) {
  for (const Host& host : kEveryHost) {
    if (name == host.name) return &host;
  }
  return nullptr;
}

}  // namespace kqtorture::contract
