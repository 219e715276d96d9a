// How many mappings of the process are ours to take. Linux gives each process so many (vm.max_map_count), and one that has
// used them up dies as soon as it or V8 needs memory; so ours end before, by an error, and what is left keeps it going.
#pragma once

#include <cstddef>

namespace native_mem {

// `count` mappings, given back when this goes. Throws ENOMEM when our share is used up.
class MappingShare {
 public:
  MappingShare() = default;
  explicit MappingShare(std::size_t count);
  ~MappingShare();
  MappingShare(MappingShare&& other) noexcept;
  MappingShare& operator=(MappingShare&& other) noexcept;
  MappingShare(const MappingShare&) = delete;
  MappingShare& operator=(const MappingShare&) = delete;

 private:
  std::size_t count_ = 0;
};

}  // namespace native_mem
