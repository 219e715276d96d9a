// Where code bytes live: a memory file that is mapped executable and written through its descriptor.
#pragma once

namespace native_mem {

// A descriptor, or -1 with errno set.
int CreateCodeFile();

}  // namespace native_mem
