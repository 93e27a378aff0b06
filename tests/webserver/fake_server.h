// A server of canned bytes on loopback: reads what one client sends until a blank line and says
// what the test wants it to say, right or wrong.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace kqtorture::web {

class FakeServer {
 public:
  explicit FakeServer(std::string says) : says_(std::move(says)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    bind(listener_, generic, length);
    listen(listener_, 1);
    getsockname(listener_, generic, &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    thread_.join();
    close(listener_);
  }
  int port() const { return port_; }

 private:
  void serve() {
    const int fd = accept(listener_, nullptr, nullptr);
    std::string heard;
    char buffer[1024];
    while (heard.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = read(fd, buffer, sizeof buffer);
      if (size <= 0) break;
      heard.append(buffer, static_cast<size_t>(size));
    }
    for (size_t at = 0; at < says_.size();) {
      const ssize_t size = write(fd, says_.data() + at, says_.size() - at);
      if (size <= 0) break;
      at += static_cast<size_t>(size);
    }
    close(fd);
  }

  const std::string says_;
  int listener_ = -1, port_ = 0;
  std::thread thread_;
};

}  // namespace kqtorture::web
