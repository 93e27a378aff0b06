// The list of questions: one function in one file for each, called by main().
#pragma once

namespace kqtorture::bench {

void register_claim_2006();
void register_delivery();
void register_herd();
void register_idle();
void register_memory();
void register_recording();
void register_registration();
void register_timers();
void register_user_trigger();
void register_wakeup();

}  // namespace kqtorture::bench
