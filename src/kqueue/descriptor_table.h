// What libkq knows about each descriptor number of the process: which kqueue it is a descriptor of,
// which kqueues watch it, and whether it is one of libkq's own. The table is the meeting point of
// kevent() and close(): both take the lock of the number's shard.
#pragma once

#include "knote.h"

namespace kq {

// An error taken from SO_ERROR for a delivery is owed to the user, and shown by later deliveries.
// It is the file's, not the number's, which another file may have got by a close that nobody saw:
// so the inode is kept with it, in one word, since whoever reads it holds no lock.
struct OwedError {
  static constexpr int kErrnoBits = 12;
  static uint64_t word(uint64_t inode, int error) {
    return inode << kErrnoBits | static_cast<uint64_t>(error);
  }
  static int errno_of(uint64_t word) { return static_cast<int>(word & ((1u << kErrnoBits) - 1)); }
  static int of(uint64_t word, uint64_t inode) {
    const int error = errno_of(word);
    return word == OwedError::word(inode, error) ? error : 0;
  }
};

// Written under the slot's lock; closers look without it whether there is anything to do.
struct Slot {
  std::atomic<Registration*> registrations{nullptr};  // of this number, one per kqueue
  std::atomic<Kqueue*> kqueue{nullptr};               // this number is a descriptor of that kqueue
  std::atomic<uint64_t> owed_error{0};                // see OwedError
  std::atomic<uint16_t> kqueue_closing{0};  // calls that close a kqueue's descriptor right now
  std::atomic<uint16_t> closing{0};         // calls that close this number right now
  std::atomic<bool> internal{false};        // libkq's own; users' calls see EBADF

  bool in_use() const { return registrations || kqueue || owed_error || internal; }
};

// The lock that guards the slot of fd (and those of other numbers: never hold two).
pthread_mutex_t* slot_lock(int fd);

// The slot, or null when the number was never used here. allocate: makes room; null means no memory
// or a number beyond the table's 8,388,608.
Slot* find_slot(int fd);
Slot* allocate_slot(int fd);

// One past the highest number that can have a slot.
int slot_limit();

// True once a kqueue has been created: until then closing needs no bookkeeping.
bool table_in_use();
// First call of a process (and of a forked child) that creates a kqueue.
bool enter_table();

// Detects a forked child that has not been told yet, and there forgets all kqueues: their
// descriptors are closed in the child, the parent's instances are left alone.
void check_fork();

// True in a child that shares this memory (vfork): it must not touch any state.
bool in_shared_memory_child();

// Which files are open under more than one number, or in another process, as far as libkq has seen:
// see "the proof" in close_protocol.cpp. Safe in signal handlers.
void mark_shared(int fd);
void mark_all_shared();
void forget_shared(int fd);
// Does an edge of the file that was registered under this number prove that it is still there?
bool edges_prove_the_number(int fd);
// Do the calls by which the program closes and duplicates descriptors reach libkq? (interpose.cpp)
bool interposition_reaches_us();

// A descriptor for libkq's own use, out of the way of the program's numbers: what create(argument)
// opens, or another of fd's file. Returns the number, or -1 with errno.
// The kernel hands out the lowest number, so for a moment the new one may be a number that a thread
// of the program closed and still calls on. Such a call must see EBADF: see is_internal().
int make_internal(int (*create)(int argument), int argument = 0);
int duplicate_internal(int fd);
void close_internal(int fd);

// Is the number libkq's own, or does a thread just make it so? The caller holds the slot's lock,
// and asks after it has found the number open: then the answer no is final, and the answer yes
// holds until the lock is released.
bool is_internal(int fd);
// Held while libkq makes a descriptor of its own. Taken after all other locks.
pthread_mutex_t* creation_lock();

// The kqueue fd is a descriptor of, with a reference for the caller, or null with errno EBADF (not
// open) or EINVAL (not a kqueue).
Kqueue* acquire(int fd);
void release(Kqueue* kqueue);
// Makes fd a descriptor of kqueue (which the caller holds a reference to), unless another thread
// has put a file of its own there meanwhile. False without memory.
bool bind_descriptor(int fd, Kqueue* kqueue);
// Undoes that if the number refers to another file now.
void check_binding(int fd);

// The list of all kqueues, for finding out which one an unknown descriptor belongs to.
void list_insert(Kqueue* kqueue);
void list_remove(Kqueue* kqueue);

// The close protocol, told in close_protocol.cpp.
void descriptor_closing(int fd);
void descriptor_closed(int fd);
// descriptor_closing() for those who hold the slot's lock.
void slot_closing(Slot* slot);
// fd is the number that a dup has just got; the caller holds the lock below.
void descriptor_reopened(int fd);
// Makes a dup and what has to be done about its number one step. Taken before any slot's lock.
pthread_mutex_t* duplication_lock();
// Makes the slot's number a descriptor of kqueue (null: of none), and removes the knotes of those
// who watched another one under it: they would outlive what they watch. The caller holds the slot's
// lock, and gets the reference of the one that it was a descriptor of, or null.
Kqueue* rebind(Slot* slot, Kqueue* kqueue);
// Lets to be a descriptor of the same kqueue as from, if from is one. False without memory.
bool descriptor_duplicated(int from, int to);

}  // namespace kq
