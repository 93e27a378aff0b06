// What does a change do to the three facts of a USER knote: trigger, saved fflags, saved data?
// (3.3)
#pragma once

#include "contract/knote.h"

namespace kqtorture::contract {

void create_user(const Profile& profile, const Event& change, Knote* knote);
void touch_user(const Profile& profile, const Event& change, Knote* knote);
// After a delivery whose flags, as far as they matter here, were `flags`.
void delivered_user(const Profile& profile, uint16_t flags, Knote* knote);

}  // namespace kqtorture::contract
