// What patient.cpp exports, as a library with C functions.
#pragma once

extern "C" {
int patient_counter();
void patient_lose_update();
void patient_update();
void patient_write_plainly();
void patient_write_locked();
void patient_lock_in_order(int turned);
void patient_wait_for_signal();
void patient_wait_blindly();
void patient_signal();
int patient_wait_a_while(long milliseconds);
void patient_make();
void patient_free();
void patient_use(int index);
void* patient_address();
int patient_make_once();
void patient_spin_until(int value);
long patient_start_and_join();
int patient_read_pipe(int fd);
int patient_write_pipe(int fd);
long patient_sleep_on_timer(long seconds, unsigned long* expirations);
long patient_sleep_beside_timer(long milliseconds, unsigned long* expirations);
int patient_edges_of_a_timer(unsigned long* expirations);
void patient_wait_beside_timer();
int patient_leave_open();
void patient_fork();
}
