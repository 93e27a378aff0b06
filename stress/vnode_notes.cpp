// Notes of files with EV_CLEAR, while other threads write, link, unlink and rename. (3.7, I9)
//
// Every file has acts of one kind done to it, so that each of its notes can be accounted for: an
// act is told by a delivery that ends after the act began, or else the note is lost; and there are
// no more deliveries with a note than acts that it tells of, or else one is invented. Meanwhile the
// same knotes are added again, disabled and enabled, and other numbers of the same files are
// watched, with another interest, and closed: what they all share is one watch underneath.
//
// This race has a ledger of its own: the checker of histories does not know files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kqueue_race.h"

namespace kqtorture {
namespace {

using namespace note;

enum FileKind { kWritten, kModed, kLinked, kUnlinked, kRenamed, kDirectory, kFileKinds };
constexpr int kNotes = 11;

// What a knote of such a file asks for. Two links that are looked at together leave an event behind
// which Linux does not tell from a change of attributes; so who counts links does not ask for
// those.
constexpr uint32_t kInterest[kFileKinds] = {
    kWrite | kExtend | kAttrib | kLink | kDelete | kRename | kRevoke,
    kWrite | kExtend | kAttrib | kLink | kDelete | kRename | kRevoke,
    kWrite | kExtend | kLink | kDelete | kRename,
    kWrite | kExtend | kLink | kDelete | kRename,
    kWrite | kExtend | kAttrib | kLink | kDelete | kRename,
    kWrite | kExtend | kAttrib | kLink | kRename};

// One thread's side of the ledger; nobody else writes it.
struct Account {
  struct Note {
    uint64_t acts = 0, last_act = 0;   // how many it began, and when the last
    uint64_t told = 0, last_told = 0;  // likewise deliveries, when they had ended
  };
  std::array<std::array<Note, kNotes>, kFileKinds> notes;
};

class VnodeRace : public KqueueRace {
 public:
  VnodeRace() : KqueueRace(half()), accounts_(static_cast<size_t>(settings().threads) + 1) {}
  ~VnodeRace() override {
    for (const int fd : files_) {
      if (fd >= 0) subject().close(fd);
    }
    for (const int fd : {appender_}) {
      if (fd >= 0) ::close(fd);
    }
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  void setup(Lane& self) override {
    if (subject().has_own_descriptors() || !profile().freebsd_files) {
      throw Unsupported("the subject has no VNODE of FreeBSD's on files of the host");
    }
    KqueueRace::setup(self);
    std::string name = place() + "/kqtorture-vnode-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) fail("a directory");
    directory_ = name;
    for (int kind = 0; kind < kFileKinds; ++kind) {
      files_[kind] = open_file(kind);
      if (files_[kind] < 0) fail("a file");
      const int error = self.change(kq(), change(self, kind, flag::kAdd | flag::kClear));
      if (error) throw EnvironmentError(std::string("EV_ADD of a file: ") + std::strerror(error));
    }
    appender_ = ::open(path("file", kWritten).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (appender_ < 0) fail("a file");
  }

  std::vector<const char*> work() const override {
    return {"writes",  "appends", "modes",   "links",  "unlinks",   "renames",
            "entries", "re-adds", "toggles", "copies", "deliveries"};
  }

  // Whoever sleeps is to be woken by what is due.
  void judge(Lane& self) override {
    Kevent events[64];
    const int count = self.probe(kq(), events, 64);
    for (int i = 0; i < count; ++i) {
      if (is_exit(events[i]) || (events[i].flags & flag::kError)) continue;
      tell(self, events[i]);
      self.accuse({"stuck-waiter",
                   "I8",
                   "everybody sleeps although a note is due",
                   {"of file " + std::to_string(events[i].ident)},
                   0});
    }
  }

  void verify(Lane& self) override {
    for (int kind = 0; kind < kFileKinds; ++kind) {
      for (int bit = 0; bit < kNotes; ++bit) balance(self, kind, bit);
    }
  }

 protected:
  void drive(Lane& self) override {
    const auto kind = static_cast<int>(self.random().below(kFileKinds));
    const size_t choice = self.random().below(16);
    if (choice < 11) return act(self, static_cast<FileKind>(kind));
    if (choice == 11) return poll(self, nullptr, 0);
    if (choice == 12) {
      self.change(kq(), change(self, kind, flag::kAdd));
      return self.count(7);
    }
    if (choice == 13) {
      self.change(kq(), change(self, kind, flag::kDisable));
      self.jitter();
      self.change(kq(), change(self, kind, flag::kEnable));
      return self.count(8);
    }
    watch_copy(self, kind);
  }

  void handle(Lane& self, const Kevent& event, std::vector<Kevent>*) override {
    tell(self, event);
    self.count(10);
  }

 private:
  static constexpr int kPool = 64;  // names that a thread can take away in a round

  static std::string place() {
    return ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
  }
  [[noreturn]] static void fail(const char* what) {
    throw EnvironmentError(std::string(what) + ": " + std::strerror(errno));
  }
  std::string path(const char* name, int one, uint64_t two = 0) const {
    return directory_ + "/" + name + std::to_string(one) + "." + std::to_string(two);
  }

  int open_file(int kind) {
    const std::string name = path("file", kind);
    if (kind == kDirectory) {
      return ::mkdir(name.c_str(), 0700) == 0
                 ? subject().calls().open(name.c_str(), O_RDONLY | O_CLOEXEC)
                 : -1;
    }
    const int fd =
        subject().calls().open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || subject().write(fd, "0123456789", 10) != 10) return -1;
    for (int thread = 0; kind >= kUnlinked && thread < settings().threads; ++thread) {
      const int names = kind == kUnlinked ? kPool : 1;
      for (int i = 0; i < names; ++i) {
        const auto number = static_cast<uint64_t>(i);
        if (::link(name.c_str(), path(kind == kUnlinked ? "pool" : "a", thread, number).c_str())) {
          return -1;
        }
      }
    }
    return fd;
  }

  Kevent change(Lane& self, int kind, int flags) const {
    return make_change(static_cast<uintptr_t>(files_[kind]), filter::kVnode,
                       static_cast<uint16_t>(flags), self.fresh_udata(), kInterest[kind]);
  }

  Account& account(const Lane& self) { return accounts_[static_cast<size_t>(self.index())]; }

  // Before the act: whatever tells of it ends later.
  void enter(Lane& self, FileKind kind, uint32_t notes) {
    const uint64_t now = now_ns();
    for (int bit = 0; bit < kNotes; ++bit) {
      if (!(notes >> bit & 1)) continue;
      Account::Note& note = account(self).notes[kind][static_cast<size_t>(bit)];
      ++note.acts;
      note.last_act = now;
    }
  }

  void tell(Lane& self, const Kevent& event) {
    const uint64_t now = now_ns();
    for (int kind = 0; kind < kFileKinds; ++kind) {
      if (event.filter != filter::kVnode || static_cast<int>(event.ident) != files_[kind]) continue;
      for (int bit = 0; bit < kNotes; ++bit) {
        if (!(event.fflags >> bit & 1)) continue;
        Account::Note& note =
            account(self).notes[static_cast<size_t>(kind)][static_cast<size_t>(bit)];
        ++note.told;
        note.last_told = now;
      }
    }
  }

  void act(Lane& self, FileKind kind) {
    const int thread = self.index();
    const uint64_t serial = account(self).notes[kind][kNotes - 1].acts++;
    switch (kind) {
      case kWritten:
        if (self.random().chance(1, 2)) {
          enter(self, kind, kWrite | kExtend);
          if (::write(appender_, "x", 1) == 1) self.count(1);
        } else {
          enter(self, kind, kWrite);
          if (::pwrite(files_[kind], "x", 1, 0) == 1) self.count(0);
        }
        break;
      case kModed:
        enter(self, kind, kAttrib);
        if (::fchmod(files_[kind], 0600) == 0) self.count(2);
        break;
      case kLinked:
        enter(self, kind, kLink);
        if (::link(path("file", kind).c_str(), path("link", thread, serial).c_str()) == 0) {
          self.count(3);
        }
        break;
      case kUnlinked:
        if (serial >= kPool) break;
        enter(self, kind, kDelete);
        if (::unlink(path("pool", thread, serial).c_str()) == 0) self.count(4);
        break;
      case kRenamed:
        enter(self, kind, kRename);
        if (std::rename(path(serial % 2 ? "b" : "a", thread).c_str(),
                        path(serial % 2 ? "a" : "b", thread).c_str()) == 0) {
          self.count(5);
        }
        break;
      default:
        change_entry(self, serial);
    }
  }

  void change_entry(Lane& self, uint64_t serial) {
    const std::string entry = path("file", kDirectory) + "/" + std::to_string(self.index());
    enter(self, kDirectory, kWrite);
    const bool done = serial % 2 == 0 ? ::mknod(entry.c_str(), S_IFREG | 0600, 0) == 0
                                      : ::unlink(entry.c_str()) == 0;
    if (done) self.count(6);
  }

  // The file under another number, watched for something else for a while.
  void watch_copy(Lane& self, int kind) {
    const int copy = self.dup(files_[kind]);
    if (copy < 0) return;
    const auto interest = static_cast<uint32_t>(1 + self.random().below(0x7ff));
    self.change(kq(), make_change(static_cast<uintptr_t>(copy), filter::kVnode,
                                  flag::kAdd | flag::kClear, self.fresh_udata(), interest));
    self.jitter();
    if (self.random().chance(1, 2)) {
      self.change(kq(), make_change(static_cast<uintptr_t>(copy), filter::kVnode, flag::kDelete));
    }
    self.close(copy);
    self.count(9);
  }

  void balance(Lane& self, int kind, int bit) {
    Account::Note sum;
    for (const Account& account : accounts_) {
      const Account::Note& note =
          account.notes[static_cast<size_t>(kind)][static_cast<size_t>(bit)];
      sum.acts += note.acts;
      sum.told += note.told;
      sum.last_act = std::max(sum.last_act, note.last_act);
      sum.last_told = std::max(sum.last_told, note.last_told);
    }
    if (bit == kNotes - 1) sum.acts = 0;  // counts all acts of a thread, for their names
    const std::vector<std::string> facts = {"file kind " + std::to_string(kind) + ", note " +
                                            contract::notes_text(filter::kVnode, 1u << bit) + ": " +
                                            std::to_string(sum.acts) + " acts, " +
                                            std::to_string(sum.told) + " deliveries"};
    if (sum.told > sum.acts) {
      self.accuse(
          {"phantom", "I9", "more deliveries tell of a note than acts that it is about", facts, 0});
    } else if (sum.last_act > sum.last_told) {
      self.accuse({"lost", "I9", "no delivery after the last act tells of it", facts, 0});
    }
  }

  std::array<int, kFileKinds> files_ = {-1, -1, -1, -1, -1, -1};
  int appender_ = -1;
  std::string directory_;
  std::vector<Account> accounts_;  // by thread, the supervisor's last
};

TEST(VnodeNotes, AreNeitherLostNorInvented) {
  run_race(current_case(), [] { return std::make_unique<VnodeRace>(); });
}

}  // namespace
}  // namespace kqtorture
