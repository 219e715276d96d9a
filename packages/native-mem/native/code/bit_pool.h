// Allocates runs of fixed-size units out of a growing index space. All metadata is out of band: one bitmap says which
// units are in use, a second one marks the last unit of each run, so a free knows the size and a double free shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace native_mem {

class BitPool {
 public:
  static constexpr std::size_t kChunkUnits = 1024;

  explicit BitPool(std::size_t max_units) : max_units_(max_units) {}

  // A run of `count` units whose first index is a multiple of `alignment` (a power of two), within the units
  // added so far; nothing when no such run exists.
  std::optional<std::size_t> Allocate(std::size_t count, std::size_t alignment);
  // How many chunks must be added for Allocate to succeed at the end of the space; nothing when the space is full.
  std::optional<std::size_t> ChunksNeeded(std::size_t count, std::size_t alignment) const;
  void AddChunks(std::size_t chunks);

  // The length of the run that starts at `first`; nothing when no run starts there.
  std::optional<std::size_t> RunLength(std::size_t first) const;
  // Gives the run back; false when no run starts at `first`.
  bool Free(std::size_t first);

  std::size_t units() const { return units_; }
  std::size_t used_units() const { return used_units_; }

 private:
  struct Chunk {
    std::uint32_t free = kChunkUnits;
    std::uint32_t longest_bound = kChunkUnits;  // no free run inside the chunk is longer
  };

  bool Used(std::size_t unit) const { return (used_[unit / 64] >> (unit % 64)) & 1; }
  bool Last(std::size_t unit) const { return (last_[unit / 64] >> (unit % 64)) & 1; }
  std::size_t NextUsed(std::size_t from, std::size_t end) const;
  std::size_t NextFree(std::size_t from, std::size_t end) const;
  std::size_t TrailingFree() const;
  void Mark(std::size_t first, std::size_t count, bool used);

  std::size_t max_units_;
  std::size_t units_ = 0;
  std::size_t used_units_ = 0;
  std::vector<std::uint64_t> used_;
  std::vector<std::uint64_t> last_;
  std::vector<Chunk> chunks_;
};

}  // namespace native_mem
