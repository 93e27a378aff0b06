// The objects that knotes watch, made through the subject: pipes, sockets, listeners.
//
// Ends are created non-blocking in one call wherever the interface allows it, because the host's
// fcntl may know nothing of the subject's descriptors. A subject without one of these calls skips
// the cases that need it.
#pragma once

#include <cstddef>
#include <string>

#include "fixture.h"

namespace kqtorture {

// One connection: bytes written to either end are read from the other.
struct Pair {
  Fd near;
  Fd far;
};

// near reads, far writes; both non-blocking. Negative descriptors when it cannot be made.
Pair open_pipe();
enum class Transport { kUnix, kTcp, kUnixDatagram, kUdp };
std::string transport_name(Transport transport);
// A connected pair. near is non-blocking; so is far, except on TCP.
Pair connect_pair(Transport transport);
// A listening socket (non-blocking) on a port or name of its own.
Fd open_listener(Transport transport);
// A non-blocking socket whose connect() to the listener has been called.
Fd start_connect(const Fd& listener, Transport transport);
Fd accept_one(const Fd& listener);

// Writes exactly size bytes, or fails the test.
void put(int fd, size_t size);
// Reads exactly size bytes, or fails the test.
void take(int fd, size_t size);
// Writes to a non-blocking descriptor until it takes no more, chunk bytes at a time; returns the
// number of bytes written.
size_t fill(int fd, size_t chunk = 4096);
// Reads from a non-blocking descriptor until there is nothing left.
size_t drain(int fd);

// Duplicates source until the copy has the number that was just closed; -1 if it never comes up.
// dup2() would do it in one call, but is itself a close and would hide a close that did nothing.
Fd reuse_number(int number, int source);

class PipeTest : public KqueueTest {
 protected:
  void SetUp() override;
  Pair pipe_;
};

class UnixStreamTest : public KqueueTest {
 protected:
  void SetUp() override;
  Pair pair_;
};

}  // namespace kqtorture
