// The figures of the hosts, each with the argument for its value where it is a bound.
#include "contract/host.h"

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
  h.socket_overhead = 4096;
  h.shutdown_reading_reaches_peer = true;
  h.half_close_shows = false;
  h.half_close_activates_both = true;
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
  h.pipe_write_activation = WriteActivation::kUnknown;
  h.socket_free_max = 64 << 20;
  h.socket_sure_bytes = 4096;
  h.socket_overhead = 512;
  h.shutdown_keeps_unread = false;
  h.datagram_count = DatagramCount::kAllBytes;
  h.backlog_exact = true;
  h.eventfd_exact = true;
  h.nested_count_exact = true;
  // Everything but READ, WRITE, TIMER and USER, and the newest that FreeBSD has.
  h.unmodelled_filters = filters_up_to(15) & ~(1u << 1) & ~(1u << 2) & ~(1u << 7) & ~(1u << 11) &
                         ~(1u << 3) & ~(1u << 10) & ~(1u << 12);
  return h;
}

constexpr Host kTable[kHosts] = {linux_epoll(), linux_at_once(), bsd()};

const char* word(bool value) { return value ? "yes" : "no"; }
const char* word(Observed value) { return value == Observed::kAtOnce ? "at once" : "at scan"; }

}  // namespace

const Host (&hosts())[kHosts] { return kTable; }

const Host* find_host(std::string_view name) {
  for (const Host& host : kTable) {
    if (name == host.name) return &host;
  }
  return nullptr;
}

std::string to_text(const Host& host) {
  constexpr const char* kDatagrams[] = {"all bytes", "first datagram", "either"};
  std::string text = std::string(host.name) + '\n';
  const auto line = [&text](const char* name, const std::string& value) {
    text += std::string(name) + ": " + value + '\n';
  };
  line("PIPE_BUF", std::to_string(host.pipe_buf));
  line("pipe capacity, at least", std::to_string(host.pipe_capacity_min));
  line("pipe capacity, at most", std::to_string(host.pipe_capacity_max));
  line("pipe slot", std::to_string(host.pipe_slot));
  line("pipe bidirectional", word(host.pipe_bidirectional));
  line("pipe WRITE activation",
       host.pipe_write_activation == WriteActivation::kUnknown ? "unknown" : "full to free");
  line("socket WRITE data, at least", std::to_string(host.socket_write_low_water));
  line("socket WRITE data, at most", std::to_string(host.socket_free_max));
  line("socket surely writable below", std::to_string(host.socket_sure_bytes));
  line("socket cost of a write", std::to_string(host.socket_overhead));
  line("datagram READ data", kDatagrams[static_cast<int>(host.datagram_count)]);
  line("SHUT_RD ends the peer's sending", word(host.shutdown_reading_reaches_peer));
  line("half close shows", word(host.half_close_shows));
  line("SHUT_RD keeps unread bytes", word(host.shutdown_keeps_unread));
  line("unread bytes reset the peer", word(host.reset_on_unread));
  line("backlog exact", word(host.backlog_exact));
  line("eventfd value exact", word(host.eventfd_exact));
  line("activation noticed", word(host.activation));
  line("registration evaluated", word(host.registration));
  line("order", host.order == Order::kByActivation ? "by activation" : "until scan");
  line("unready knotes may be queued", word(host.queues_unready));
  line("half close activates both", word(host.half_close_activates_both));
  line("nesting limit", std::to_string(host.nesting_limit));
  line("disabled knote keeps its place", word(host.disabled_keeps_place));
  line("file activity seen", word(host.file_activity_seen));
  line("nested count exact", word(host.nested_count_exact));
  return text;
}

}  // namespace kqtorture::contract
