// The table of the host in words, for whoever asks what a verdict was based on.
#include "contract/host.h"

namespace kqtorture::contract {
namespace {

const char* said(bool value) { return value ? "yes" : "no"; }
const char* said(Observed value) { return value == Observed::kAtOnce ? "at once" : "at scan"; }

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
  line("pipe bidirectional", said(host.pipe_bidirectional));
  line("pipe capacity on the way back, at least", std::to_string(host.pipe_back_capacity_min));
  line("pipe WRITE activation",
       host.pipe_write_activation == WriteActivation::kUnknown ? "unknown" : "full to free");
  line("socket WRITE data, at least", std::to_string(host.socket_write_low_water));
  line("socket WRITE data, at most", std::to_string(host.socket_free_max));
  line("TCP end surely takes", std::to_string(host.inet_sure_bytes));
  line("socket surely writable below", std::to_string(host.socket_sure_bytes));
  line("socket cost of a write", std::to_string(host.socket_overhead));
  line("datagram READ data", kDatagrams[static_cast<int>(host.datagram_count)]);
  line("SHUT_RD ends the peer's sending", said(host.shutdown_reading_reaches_peer));
  line("half close shows", said(host.half_close_shows));
  line("SHUT_RD keeps unread bytes", said(host.shutdown_keeps_unread));
  line("SHUT_RD forgets knotes", said(host.shutdown_forgets_knotes));
  line("unread bytes reset the peer", said(host.reset_on_unread));
  line("backlog exact", said(host.backlog_exact));
  line("eventfd value exact", said(host.eventfd_exact));
  line("activation noticed", said(host.activation));
  line("registration evaluated", said(host.registration));
  line("order", host.order == Order::kByActivation ? "by activation" : "until scan");
  line("unready knotes may be queued", said(host.queues_unready));
  line("half close activates both", said(host.half_close_activates_both));
  line("nesting limit", std::to_string(host.nesting_limit));
  line("disabled knote keeps its place", said(host.disabled_keeps_place));
  line("file activity seen", said(host.file_activity_seen));
  line("nested count exact", said(host.nested_count_exact));
  line("sees forks of others", said(host.sees_forks));
  return text;
}

}  // namespace kqtorture::contract
