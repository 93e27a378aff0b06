// When is a socket's send buffer empty? When the other side has taken everything, or, on a network,
// when it has been acknowledged. Before anything was sent it is, and that of a listening socket is
// always.
#include "objects.h"

namespace kqtorture {
namespace {

class EmptyTest : public KqueueTest, public ::testing::WithParamInterface<Transport> {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    GATE(knob().freebsd_objects, "the contract tells FreeBSD's answers only");
    pair_ = connect_pair(GetParam());
    if (pair_.near < 0 && !host_descriptors()) {
      GTEST_SKIP() << "the subject makes no such sockets: " << transport_name(GetParam());
    }
    ASSERT_GE(pair_.near, 0);
    ident_ = static_cast<uintptr_t>(int{pair_.near});
  }
  Kevent empty(int flags) const { return ev(ident_, filter::kEmpty, static_cast<uint16_t>(flags)); }
  // Sends more than fits, so that something is left whatever the other side's kernel has taken.
  void stuff() {
    sent_ = fill(pair_.near);
    ASSERT_GT(sent_, 0u);
  }
  Pair pair_;
  uintptr_t ident_ = 0;
  size_t sent_ = 0;
};

TEST_P(EmptyTest, NothingSentIsEmpty) {
  ASSERT_EQ(submit(kq_, empty(flag::kAdd)), 0);
  for (int i = 0; i < 2; ++i) {
    const Kevent event = only_event(kq_);
    EXPECT_EQ(event.filter, filter::kEmpty);
    EXPECT_EQ(event.data, 0);
    EXPECT_EQ(flags_of(event), 0);
  }
}

TEST_P(EmptyTest, WhatIsNotTakenIsNotEmpty) {
  stuff();
  ASSERT_EQ(submit(kq_, empty(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_P(EmptyTest, TakingEverythingEmptiesIt) {
  stuff();
  ASSERT_EQ(submit(kq_, empty(flag::kAdd | flag::kOneshot)), 0);
  EXPECT_TRUE(silent(kq_));
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  take(pair_.far, sent_);
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kEmpty);
  EXPECT_EQ(outcome.entries[0].data, 0);
}

TEST_P(EmptyTest, DispatchWaitsForEnable) {
  ASSERT_EQ(submit(kq_, empty(flag::kAdd | flag::kDispatch)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kEmpty);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, empty(flag::kEnable)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kEmpty);
}

TEST_P(EmptyTest, DisabledWhileItDrainsIsSilent) {
  stuff();
  ASSERT_EQ(submit(kq_, empty(flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, empty(flag::kDisable)), 0);
  take(pair_.far, sent_);
  sleep_ms(50);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, empty(flag::kEnable)), 0);
  EXPECT_EQ(wait_event(kq_).filter, filter::kEmpty);
}

TEST_P(EmptyTest, ForceoneshotShowsWhatIsLeft) {
  REQUIRE_KNOB(knob().forceoneshot);
  stuff();
  ASSERT_EQ(submit(kq_, empty(flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, empty(flag::kForceOneshot)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.flags, final_flags(0));
  EXPECT_GT(event.data, 0);
}

TEST_P(EmptyTest, WriteOfTheSameSocketIsAnotherKnote) {
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, empty(flag::kAdd)), 0);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  put(pair_.near, 1);
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kDelete)), 0);
  take(pair_.far, 1);
  EXPECT_EQ(wait_event(kq_).filter, filter::kEmpty);
  ASSERT_EQ(submit(kq_, ev(ident_, filter::kWrite, flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, empty(flag::kDelete)), 0);
  EXPECT_EQ(only_event(kq_).filter, filter::kWrite);
}

TEST_P(EmptyTest, CloseRemovesIt) {
  stuff();
  ASSERT_EQ(submit(kq_, empty(flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  pair_.near.reset();
  pair_.far.reset();
  sleep_ms(5);
  EXPECT_TRUE(silent(kq_));
}

INSTANTIATE_TEST_SUITE_P(Transports, EmptyTest,
                         ::testing::Values(Transport::kUnix, Transport::kTcp),
                         [](const auto& row) { return transport_name(row.param); });

class EmptyElsewhere : public KqueueTest {
 protected:
  void SetUp() override {
    KqueueTest::SetUp();
    GATE(knob().freebsd_objects, "the contract tells FreeBSD's answers only");
  }
  int add(int fd) {
    return submit(kq_, ev(static_cast<uintptr_t>(fd), filter::kEmpty, flag::kAdd));
  }
};

TEST_F(EmptyElsewhere, ListeningSocketIsAlwaysEmpty) {
  for (const Transport transport : {Transport::kUnix, Transport::kTcp}) {
    const Fd listener = open_listener(transport);
    if (listener < 0 && !host_descriptors()) GTEST_SKIP() << "the subject has no listening sockets";
    ASSERT_EQ(add(listener), 0);
    EXPECT_EQ(only_event(kq_).filter, filter::kEmpty);
    ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{listener}), filter::kEmpty, flag::kDelete)),
              0);
  }
}

TEST_F(EmptyElsewhere, WhatIsNoSocketIsRefused) {
  const Pair pipe = open_pipe();
  EXPECT_EQ(add(pipe.far), EINVAL);
  EXPECT_EQ(add(pipe.near), EINVAL);
  const Fd inner(subject().kqueue());
  EXPECT_EQ(add(inner), EINVAL);
}

}  // namespace
}  // namespace kqtorture
