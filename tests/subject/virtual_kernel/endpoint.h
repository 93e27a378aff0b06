// One end of a pipe or of a pair of local sockets.
//
// Pipes are FreeBSD's: both ends read and write. What is written at one end waits in the inbox of
// the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "file.h"

namespace vkernel {

class Endpoint : public File {
 public:
  enum class Kind : uint8_t { kPipe, kStream, kDatagram };

  static std::pair<std::shared_ptr<Endpoint>, std::shared_ptr<Endpoint>> pair(Kind kind);
  explicit Endpoint(Kind kind) : kind_(kind) {}
  ~Endpoint() override;

  Result read(Lock& lock, void* to, size_t size) override;
  Result write(Lock& lock, const void* from, size_t size) override;
  Result shut_down(int how) override;
  bool is_socket() const override { return kind_ != Kind::kPipe; }
  int accepts(int filter) const override;
  bool evaluate(Knote& knote) override;

 private:
  bool ended() const { return peer_ == nullptr || no_receive_; }
  bool broken() const { return peer_ == nullptr || no_send_; }
  size_t waiting() const;  // bytes in the inbox
  size_t space() const;    // what one write takes at once; the peer is there
  Result take(void* to, size_t size);
  Result put(const void* from, size_t size);

  const Kind kind_;
  Endpoint* peer_ = nullptr;  // null when it is closed
  bool no_receive_ = false;
  bool no_send_ = false;
  std::deque<std::string> inbox_;    // pieces of a stream, or datagrams
  size_t taken_ = 0;                 // bytes of the first piece of a stream
  size_t bytes_ = 0;                 // in the inbox
  std::condition_variable changed_;  // for calls that wait here
};

}  // namespace vkernel
