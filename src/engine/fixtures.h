// Real objects for scenarios: made, kept for the next program when they are as good as new, or
// closed.
//
// A system call costs about as much as running ten operations of the model, so a fuzzer that made a
// fresh pipe for every program would spend its time in pipe(2). A pair is kept when no end of it
// was ever closed, replaced or shut down, and what was written to it has been read back.
#pragma once

#include <signal.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "contract/operation.h"
#include "engine/children.h"
#include "engine/file_names.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

// The descriptors of one object; fd[1] is -1 unless it is a pair.
struct Ends {
  int fd[2] = {-1, -1};
};

class Fixtures {
 public:
  explicit Fixtures(const Subject& subject);
  ~Fixtures();
  Fixtures(const Fixtures&) = delete;
  Fixtures& operator=(const Fixtures&) = delete;

  // A fresh object, non-blocking. value: a file's size. False with errno set.
  bool make(ObjectKind kind, int64_t value, Ends* ends);
  // The same, or one that was kept.
  bool take(ObjectKind kind, int64_t value, Ends* ends);
  // Gives the object back. clean: as good as new, but for bytes that wait to be read when `dirty`.
  void give_back(ObjectKind kind, const Ends& ends, bool clean, bool dirty);
  // A child that is alive; null with errno set. Give it back, whatever has become of it.
  ScriptedChild* take_child();
  void give_back(ScriptedChild* child);
  // A descriptor of the process. False with errno set.
  bool describe(pid_t pid, Ends* ends);
  // Has the signal ignored, handled or left to its default, as an object of this value wants it.
  // *before: the disposition to put back. False with errno set.
  bool set_signal(int64_t value, struct sigaction* before);
  // Fills the gaps below the highest descriptor in use, so that the next one freed is the next one
  // used, as it would be in a process of its own; release_gaps() takes the fillers away again.
  void fill_gaps(int highest);
  void release_gaps();

  // Connections are made of a listener of their own: the first one is as the others.
  void keep_no_listener() { keeps_listener_ = false; }

  // Makes the sockets that connections will be made of, out of the way of the program's numbers, so
  // that one that is refused never had one; those of before are closed. 0: none.
  void prepare_connections(int unix_domain, int inet);
  // A connection to a listener; -1 with errno set.
  int connect(int listener, bool unix_domain);
  int accept(int listener);

  // Do the subject's descriptors belong to the host, so that calls that the subject interface does
  // not have (eventfd, lseek, ftruncate) may be made on them?
  bool host_descriptors() const { return host_descriptors_; }

  // Files made from now on have names, or none.
  void name_files(bool named) { named_ = named && host_descriptors_; }
  FileNames& names() { return names_; }

  // What the model calls making such an object.
  static contract::Op operation(ObjectKind kind, int64_t value);

 private:
  static constexpr size_t kKept = 8;  // of each kind; programs have three objects of a kind at most

  bool make_pair(int domain, int type, Ends* ends);
  bool make_tcp(Ends* ends);
  bool make_tcp_by(int listener, Ends* ends);
  int make_listener(bool unix_domain);
  int socket_for(bool unix_domain);
  int make_file(int64_t size);
  int make_named_file(int64_t size);
  bool set_nonblocking(int fd);
  bool drained(int fd, ObjectKind kind);
  void close(const Ends& ends);

  const Subject& subject_;
  const SubjectCalls& calls_;
  const bool host_descriptors_;
  std::vector<Ends> kept_[kObjectKinds];
  std::vector<std::unique_ptr<ScriptedChild>> children_;  // all of them
  std::vector<ScriptedChild*> idle_;                      // alive
  std::vector<int> fillers_;
  bool named_ = false;
  FileNames names_;
  Ends spare_;                                 // what the fillers are copies of
  std::vector<std::atomic<int>> prepared_[2];  // by domain; -1: in use
  int tcp_listener_ = -1;
  bool keeps_listener_ = true;
  std::mutex mutex_;       // of tcp_listener_
  std::string file_path_;  // and a number behind it
  std::atomic<int> sockets_made_{0};
  std::atomic<int> files_made_{0};
};

}  // namespace kqtorture
