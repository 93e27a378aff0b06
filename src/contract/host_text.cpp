// The table of the host in words, for whoever asks what a verdict was based on.
#include "contract/host.h"

namespace kqtorture::contract {
namespace {

const char* word(bool value) { return value ? "yes" : "no"; }
const char* word(Observed value) { return value == Observed::kAtOnce ? "at once" : "at scan"; }

}  // namespace

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
  line("pipe capacity on the way back, at least", std::to_string(host.pipe_back_capacity_min));
  line("pipe WRITE activation",
       host.pipe_write_activation == WriteActivation::kUnknown ? "unknown" : "full to free");
  line("socket WRITE data, at least", std::to_string(host.socket_write_low_water));
  line("socket WRITE data, at most", std::to_string(host.socket_free_max));
  line("TCP end surely takes", std::to_string(host.inet_sure_bytes));
  line("socket surely writable below", std::to_string(host.socket_sure_bytes));
  line("socket cost of a write", std::to_string(host.socket_overhead));
  line("datagram READ data", kDatagrams[static_cast<int>(host.datagram_count)]);
  line("SHUT_RD ends the peer's sending", word(host.shutdown_reading_reaches_peer));
  line("half close shows", word(host.half_close_shows));
  line("SHUT_RD keeps unread bytes", word(host.shutdown_keeps_unread));
  line("SHUT_RD forgets knotes", word(host.shutdown_forgets_knotes));
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
