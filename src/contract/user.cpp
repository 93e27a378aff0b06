// Each function is one column group of the contract's table of the USER filter, selected by knobs.
#include "contract/user.h"

namespace kqtorture::contract {
namespace {

uint32_t combine(uint32_t saved, uint32_t given) {
  const uint32_t operand = given & note::kFfFlagsMask;
  switch (given & note::kFfCtrlMask) {
    case note::kFfAnd:
      return saved & operand;
    case note::kFfOr:
      return saved | operand;
    case note::kFfCopy:
      return operand;
    default:
      return saved;
  }
}

}  // namespace

void create_user(const Profile& profile, const Event& change, Knote* knote) {
  switch (profile.user_saved) {
    case UserSaved::kRaw:
      knote->sfflags = change.fflags;
      break;
    case UserSaved::kMasked24:
      knote->sfflags = change.fflags & note::kFfFlagsMask;
      break;
    case UserSaved::kAppliedToZero:
      knote->sfflags = combine(0, change.fflags);
      break;
  }
  knote->sdata = change.data;
  knote->latch = tri(profile.trigger_on_creation && (change.fflags & note::kTrigger) != 0);
}

void touch_user(const Profile& profile, const Event& change, Knote* knote) {
  const bool lost = profile.user_trigger == LateTrigger::kLostWhenDisabled && knote->disabled;
  if ((change.fflags & note::kTrigger) != 0 && !lost) knote->latch = Tri::kYes;
  knote->sfflags = combine(knote->sfflags, change.fflags);
  if (profile.user_data_overwritten) knote->sdata = change.data;
  if (profile.user_clear_cancels && (change.flags & flag::kClear) != 0) {
    knote->latch = Tri::kNo;
    if (profile.user_clear_zeroes_data) knote->sdata = 0;
  }
}

void delivered_user(const Profile& profile, uint16_t flags, Knote* knote) {
  if ((flags & flag::kClear) != 0) {
    knote->latch = Tri::kNo;
    if (profile.user_clear_delivery == UserClearDelivery::kZeroesResult) {
      knote->sfflags = 0;
      knote->sdata = 0;
    }
  }
  if ((flags & flag::kDispatch) != 0 && profile.user_dispatch_resets) knote->latch = Tri::kNo;
}

}  // namespace kqtorture::contract
