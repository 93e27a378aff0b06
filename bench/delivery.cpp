// What does an event cost, from the byte that causes it to being ready for the next one? By
// discipline, object, length of the list and number of threads; beside raw epoll, which does not
// tell how many bytes there are, and once more with the FIONREAD that would; beside poll(2) and
// io_uring, where they have something like the discipline.
#include <algorithm>

#include "ring.h"

namespace kqtorture::bench {
namespace {

// As many objects as the question of the acceptance has, or as a longer list needs to be filled.
constexpr int kFewestObjects = 64;

struct Question {
  Discipline discipline;
  ObjectKind kind;
  int list;
  int threads;
  Sharing sharing = Sharing::kShared;

  std::string name() const {
    return std::string("delivery/") + name_of(discipline) + "/" + name_of(kind) +
           "/list:" + std::to_string(list) + (sharing == Sharing::kOwn ? "/own" : "");
  }
};

void add(const Question& question, const std::string& contender, const Subject& maker,
         const std::function<std::unique_ptr<Side>(Objects&)>& make_side) {
  register_ring(
      {question.name(), contender, question.list, question.threads, question.sharing}, [=, &maker] {
        return make_rig(maker, question.kind, std::max(kFewestObjects, question.list), make_side);
      });
}

void add_kqueue(const Question& question, const Contender& who, bool combined) {
  const KqueueOptions options{who.subject, question.discipline, question.list, combined};
  add(question, who.name + (combined ? ".combined" : ""), *who.subject,
      [=](Objects& objects) { return kqueue_side(objects, options); });
}

#ifdef __linux__
void add_epoll(const Question& question) {
  for (const bool with_data : {false, true}) {
    add(question, with_data ? "epoll+FIONREAD" : "epoll", subject(), [=](Objects& objects) {
      return epoll_side(objects, question.discipline, question.list, with_data);
    });
  }
}

void add_uring(const Question& question) {
  static const std::string why_not = why_no_uring();
  if (why_not.empty()) {
    add(question, "io_uring", subject(),
        [=](Objects& objects) { return uring_side(objects, question.discipline, question.list); });
  } else {
    register_ring({question.name(), "io_uring", question.list, question.threads}, [] {
      auto rig = std::make_shared<Rig>();
      rig->error = why_not;
      return rig;
    });
  }
}
#endif

void add_all(const Question& question) {
  for (const Contender& who : kqueues()) add_kqueue(question, who, false);
  const bool rearms =
      question.discipline == Discipline::kDispatch || question.discipline == Discipline::kOneshot;
  // With several threads, what one still owes when it is done is what another waits for.
  if (rearms && question.threads == 1) add_kqueue(question, {"kqueue", &subject()}, true);
  if (!has_host_descriptors()) return;  // they mean nothing to anyone else
#ifdef __linux__
  add_epoll(question);
  const bool polls =
      question.discipline == Discipline::kDispatch || question.discipline == Discipline::kClear;
  if (polls && question.threads == 1) add_uring(question);
#endif
  if (question.discipline == Discipline::kLevel && question.list == 64) {
    add(question, "poll", subject(), [](Objects& objects) { return poll_side(objects); });
  }
}

}  // namespace

void register_delivery() {
  for (const Discipline discipline : kDisciplines) {
    for (const ObjectKind kind : kObjectKinds) {
      if (!available(kind)) continue;
      for (const int list : {1, 16, 64, 512}) add_all({discipline, kind, list, 1});
      if (discipline == Discipline::kLevel) continue;
      for (const int threads : {2, 4, 8}) add_all({discipline, kind, 64, threads});
    }
  }
  for (const int threads : {1, 2, 4, 8}) {
    add_all({Discipline::kDispatch, ObjectKind::kPipe, 64, threads, Sharing::kOwn});
  }
}

}  // namespace kqtorture::bench
