/* <mach-o/dyld.h> as far as the suite uses it. */
#ifndef KQ_STUB_MACH_O_DYLD_H_
#define KQ_STUB_MACH_O_DYLD_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C"
#endif
    int
    _NSGetExecutablePath(char* buffer, uint32_t* size);

#endif /* KQ_STUB_MACH_O_DYLD_H_ */
