/* <sys/sysctl.h> as far as the suite uses it; the C library here has none any more. */
#ifndef KQ_STUB_SYS_SYSCTL_H_
#define KQ_STUB_SYS_SYSCTL_H_

#include <stddef.h>

#define CTL_KERN 1
#define KERN_PROC 14
#define KERN_PROC_PATHNAME 12
#define KERN_PROC_ARGS 48

#ifdef __cplusplus
extern "C"
#endif
    int
    sysctl(const int* name, unsigned length, void* old, size_t* old_size, const void* fresh,
           size_t fresh_size);

#endif /* KQ_STUB_SYS_SYSCTL_H_ */
