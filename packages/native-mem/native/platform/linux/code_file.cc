// memfd_create(2). MFD_EXEC (Linux 6.3) says that we mean to execute it; older kernels don't know the flag.
#include "platform/code_file.h"

#include <sys/mman.h>

#include <cerrno>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace native_mem {

int CreateCodeFile() {
  const int descriptor = memfd_create("native-mem-code", MFD_CLOEXEC | MFD_EXEC);
  if (descriptor >= 0 || errno != EINVAL) return descriptor;
  return memfd_create("native-mem-code", MFD_CLOEXEC);
}

}  // namespace native_mem
