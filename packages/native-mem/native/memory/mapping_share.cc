// See mapping_share.h. Source: Linux Documentation/admin-guide/sysctl/vm.rst, max_map_count.
#include "memory/mapping_share.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "memory/errors.h"

namespace native_mem {
namespace {

std::atomic<std::size_t> g_taken{0};

// Three quarters. Read once; systems that don't tell have no such limit.
std::size_t OurShare() {
  static const std::size_t share = [] {
    char text[32] = {};
    const int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
      if (read(file, text, sizeof text - 1) < 0) text[0] = '\0';
      close(file);
    }
    const std::size_t most = std::strtoull(text, nullptr, 10);
    return most == 0 ? std::numeric_limits<std::size_t>::max() : most / 4 * 3;
  }();
  return share;
}

}  // namespace

MappingShare::MappingShare(std::size_t count) {
  if (g_taken.fetch_add(count) + count > OurShare()) {
    g_taken.fetch_sub(count);
    Fail("ENOMEM", "Too many mappings: this package takes at most " + std::to_string(OurShare()) +
                       ", three quarters of what the system allows a process. Close files, sealed data blocks or arenas, or "
                       "raise vm.max_map_count before the process starts.");
  }
  count_ = count;
}

MappingShare::~MappingShare() { g_taken.fetch_sub(count_); }

MappingShare::MappingShare(MappingShare&& other) noexcept : count_(std::exchange(other.count_, 0)) {}

MappingShare& MappingShare::operator=(MappingShare&& other) noexcept {
  std::swap(count_, other.count_);
  return *this;
}

}  // namespace native_mem
