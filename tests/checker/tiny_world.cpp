// The rules, from the contract's sections 1.4, 2.2, 2.3 and 3.3, each once and in a few lines.
#include "tiny_world.h"

#include <cerrno>

namespace kqtorture::contract::testing {

int TinyWorld::pipe_behind(int fd) const {
  const auto found = fds_.find(fd);
  return found == fds_.end() ? -1 : found->second.pipe;
}

int TinyWorld::pipe_released(int closer) const {
  const auto found = released_.find(closer);
  return found == released_.end() ? -1 : found->second.pipe;
}

const TinyFile* TinyWorld::file_of(const Key& key, const TinyKnote& knote) const {
  if (knote.closer >= 0) return &knote.file;
  const auto found = fds_.find(static_cast<int>(key.second));
  return found == fds_.end() ? nullptr : &found->second;
}

bool TinyWorld::ready(const Key& key, const TinyKnote& knote) const {
  if (key.first == filter::kUser) return knote.triggered;
  const TinyFile* file = file_of(key, knote);
  if (file == nullptr) return false;
  const TinyPipe& pipe = pipes_.at(file->pipe);
  if (pipe.vague) return false;
  // Nothing comes out of the end to write to, but that nobody reads any more is told there.
  return file->writes ? pipe.readers == 0 : pipe.bytes > 0 || pipe.writers == 0;
}

bool TinyWorld::may_be_ready(const Key& key, const TinyKnote& knote) const {
  if (key.first == filter::kUser) return false;
  const TinyFile* file = file_of(key, knote);
  return file != nullptr && pipes_.at(file->pipe).vague;
}

void TinyWorld::evaluate(const Key& key, TinyKnote* knote) const {
  if (ready(key, *knote)) knote->active = knote->sure = true;
}

int TinyWorld::change(const Event& change) {
  if ((change.flags & 0x0C00) != 0) return EINVAL;
  if (has(change, flag::kEnable) && has(change, flag::kDisable)) return EINVAL;
  if (has(change, flag::kAdd) && has(change, flag::kKeepUdata)) return EINVAL;
  const Key key(change.filter, change.ident);
  if (change.filter == filter::kRead && !is_open(static_cast<int>(change.ident))) return EBADF;
  auto found = knotes_.find(key);
  if (found == knotes_.end()) {
    if (!has(change, flag::kAdd)) return ENOENT;
    TinyKnote knote;
    knote.disabled = has(change, flag::kDisable);
    knote.oneshot = has(change, flag::kOneshot);
    knote.clear = has(change, flag::kClear);
    knote.dispatch = has(change, flag::kDispatch);
    knote.receipt = has(change, flag::kReceipt);
    knote.fflags = change.fflags;
    knote.data = change.data;
    knote.udata = change.udata;
    if (!knote.disabled) evaluate(key, &knote);
    knotes_[key] = knote;
    return 0;
  }
  if (has(change, flag::kDelete)) {
    knotes_.erase(found);
    return 0;
  }
  TinyKnote& knote = found->second;
  if (has(change, flag::kForceOneshot)) {
    knote.oneshot = knote.forced = knote.active = knote.sure = true;
  }
  if (has(change, flag::kEnable)) knote.disabled = false;
  if (has(change, flag::kDisable)) knote.disabled = true;
  if (!has(change, flag::kKeepUdata)) knote.udata = change.udata;
  if (change.filter == filter::kUser) {
    if ((change.fflags & note::kTrigger) != 0) knote.triggered = true;
    const uint32_t operand = change.fflags & note::kFfFlagsMask;
    switch (change.fflags & note::kFfCtrlMask) {
      case note::kFfAnd:
        knote.fflags &= operand;
        break;
      case note::kFfOr:
        knote.fflags |= operand;
        break;
      case note::kFfCopy:
        knote.fflags = operand;
        break;
      default:
        break;
    }
    knote.data = change.data;
    if (has(change, flag::kClear)) knote.triggered = false;
  }
  if (!knote.disabled) evaluate(key, &knote);
  return 0;
}

bool TinyWorld::deliverable(const Key& key) const {
  const auto found = knotes_.find(key);
  if (found == knotes_.end() || found->second.disabled) return false;
  const TinyKnote& knote = found->second;
  if (may_be_ready(key, knote)) return true;
  const bool noticed = knote.active || knote.edge;
  if (knote.oneshot) return noticed;
  return ready(key, knote) && (!knote.clear || noticed);
}

bool TinyWorld::due(const Key& key) const {
  const auto found = knotes_.find(key);
  if (found == knotes_.end() || found->second.disabled) return false;
  const TinyKnote& knote = found->second;
  if ((knote.oneshot || knote.clear) && !knote.sure) return false;
  return knote.forced || ready(key, knote);
}

Event TinyWorld::shown(const Key& key) const {
  const TinyKnote& knote = knotes_.at(key);
  Event event;
  event.filter = key.first;
  event.ident = key.second;
  event.udata = knote.udata;
  if (knote.oneshot) event.flags |= flag::kOneshot;
  if (knote.clear) event.flags |= flag::kClear;
  if (knote.dispatch) event.flags |= flag::kDispatch;
  if (knote.receipt) event.flags |= flag::kReceipt;
  if (knote.forced) event.flags |= flag::kForceOneshot;
  if (key.first == filter::kUser) {
    event.fflags = knote.oneshot ? 0 : knote.fflags;
    event.data = knote.oneshot ? 0 : knote.data;
  } else {
    const TinyFile* file = file_of(key, knote);
    const TinyPipe& pipe = pipes_.at(file->pipe);
    event.data = file->writes ? 0 : pipe.bytes;
    const int others = file->writes ? pipe.readers : pipe.writers;
    if (others == 0 || pipe.vague) event.flags |= flag::kEof;
  }
  return event;
}

void TinyWorld::deliver(const Key& key) {
  TinyKnote& knote = knotes_.at(key);
  if (knote.oneshot) {
    knotes_.erase(key);
    return;
  }
  if (knote.clear && key.first == filter::kUser) knote.triggered = false;
  if (knote.dispatch) knote.disabled = true;
  // Of a late world's two reasons to look, the one that was noticed is answered first.
  if (late_ && key.first != filter::kUser && knote.active && knote.edge) {
    knote.active = false;
  } else {
    knote.active = knote.edge = false;
  }
  knote.sure = false;
}

bool TinyWorld::open_pipe(int reader, int writer) {
  if (reader == writer || is_open(reader) || is_open(writer)) return false;
  forget_released(reader);
  forget_released(writer);
  pipes_[next_pipe_] = {0, 1, 1};
  fds_[reader] = {next_pipe_, false};
  fds_[writer] = {next_pipe_, true};
  ++next_pipe_;
  return true;
}

void TinyWorld::activate(int pipe, bool writes, bool sure) {
  for (auto& [key, knote] : knotes_) {
    if (key.first != filter::kRead || (!knote.clear && !knote.oneshot)) continue;
    const TinyFile* file = file_of(key, knote);
    if (file == nullptr || file->pipe != pipe || file->writes != writes) continue;
    const bool is_ready = ready(key, knote);
    if (late_) {
      knote.edge = true;
    } else if (is_ready) {
      knote.active = true;
    }
    if (sure && is_ready) knote.sure = true;
  }
}

bool TinyWorld::release(int fd, int closer) {
  const auto found = fds_.find(fd);
  if (found == fds_.end()) return false;
  const auto knote = knotes_.find({filter::kRead, static_cast<uint64_t>(fd)});
  if (knote != knotes_.end() && knote->second.closer < 0) {
    knote->second.closer = closer;
    knote->second.file = found->second;
  }
  released_[closer] = found->second;
  fds_.erase(found);
  return true;
}

void TinyWorld::drop(int closer) {
  const auto found = released_.find(closer);
  if (found == released_.end()) return;
  std::erase_if(knotes_, [closer](const auto& entry) { return entry.second.closer == closer; });
  const TinyFile was = found->second;
  released_.erase(found);
  TinyPipe& pipe = pipes_.at(was.pipe);
  --(was.writes ? pipe.writers : pipe.readers);
  if ((was.writes ? pipe.writers : pipe.readers) == 0) activate(was.pipe, !was.writes, true);
}

bool TinyWorld::may_lose(int fd, int closer, bool released) const {
  const auto knote = knotes_.find({filter::kRead, static_cast<uint64_t>(fd)});
  return knote != knotes_.end() && knote->second.closer == (released ? closer : -1);
}

void TinyWorld::forget_released(int fd) {
  const auto knote = knotes_.find({filter::kRead, static_cast<uint64_t>(fd)});
  if (knote != knotes_.end() && knote->second.closer >= 0) knotes_.erase(knote);
}

bool TinyWorld::dup2(int from, int to, int closer) {
  if (!is_open(from)) return false;
  if (from == to) return true;
  const TinyFile file = fds_.at(from);
  TinyPipe& pipe = pipes_.at(file.pipe);
  ++(file.writes ? pipe.writers : pipe.readers);
  if (!release(to, closer)) forget_released(to);
  fds_[to] = file;
  return true;
}

bool TinyWorld::arrive(int fd, int bytes) {
  const auto found = fds_.find(fd);
  if (found == fds_.end() || !found->second.writes) return false;
  TinyPipe& pipe = pipes_.at(found->second.pipe);
  if (pipe.vague) return true;
  if (pipe.readers == 0) return false;
  pipe.bytes += bytes;
  if (!late_) activate(found->second.pipe, false, true);
  return true;
}

bool TinyWorld::ring(int fd) {
  const auto found = fds_.find(fd);
  if (found != fds_.end()) {
    activate(found->second.pipe, false, true);
    return true;
  }
  // Closed meanwhile, by somebody else: it rings all the same, nobody knows where.
  for (auto& [key, knote] : knotes_) {
    if (key.first == filter::kRead && (knote.clear || knote.oneshot)) knote.edge = true;
  }
  return true;
}

void TinyWorld::ring_ended() {
  for (auto& [key, knote] : knotes_) {
    const TinyFile* file = key.first == filter::kRead ? file_of(key, knote) : nullptr;
    if (file == nullptr || !(knote.clear || knote.oneshot)) continue;
    const TinyPipe& pipe = pipes_.at(file->pipe);
    if ((file->writes ? pipe.readers : pipe.writers) == 0) knote.edge = true;
  }
}

void TinyWorld::ring_ends_of(int pipe) {
  const TinyPipe& closed = pipes_.at(pipe);
  if (closed.writers == 0) activate(pipe, false, true);
  if (closed.readers == 0) activate(pipe, true, true);
}

bool TinyWorld::hold(int fd) {
  const auto found = fds_.find(fd);
  if (found == fds_.end()) return false;
  pipes_.at(found->second.pipe).vague = true;
  return true;
}

bool TinyWorld::take(int fd, int bytes) {
  const auto found = fds_.find(fd);
  if (found == fds_.end() || found->second.writes) return false;
  TinyPipe& pipe = pipes_.at(found->second.pipe);
  if (pipe.vague) return true;
  if (pipe.bytes < bytes) return false;
  pipe.bytes -= bytes;
  // What is left may be announced again (FreeBSD's pipes do).
  if (!late_ && pipe.bytes > 0) activate(found->second.pipe, false, false);
  return true;
}

bool TinyWorld::is_empty(int fd) const {
  const auto found = fds_.find(fd);
  if (found == fds_.end() || found->second.writes) return false;
  const TinyPipe& pipe = pipes_.at(found->second.pipe);
  return pipe.vague || (pipe.bytes == 0 && pipe.writers > 0);
}

bool TinyWorld::is_ended(int fd) const {
  const auto found = fds_.find(fd);
  if (found == fds_.end() || found->second.writes) return false;
  const TinyPipe& pipe = pipes_.at(found->second.pipe);
  return pipe.vague || (pipe.bytes == 0 && pipe.writers == 0);
}

}  // namespace kqtorture::contract::testing
