// See bit_pool.h. First fit, with a bound per chunk on its longest free run, so that full chunks cost one comparison.
#include "code/bit_pool.h"

#include <algorithm>

namespace native_mem {
namespace {

unsigned CountTrailingZeros(std::uint64_t word) { return static_cast<unsigned>(__builtin_ctzll(word)); }

}  // namespace

std::size_t BitPool::NextUsed(std::size_t from, std::size_t end) const {
  while (from < end) {
    const std::uint64_t word = used_[from / 64] >> (from % 64);
    if (word != 0) return std::min(end, from + CountTrailingZeros(word));
    from = (from / 64 + 1) * 64;
  }
  return end;
}

std::size_t BitPool::NextFree(std::size_t from, std::size_t end) const {
  while (from < end) {
    const std::uint64_t word = ~used_[from / 64] >> (from % 64);
    if (word != 0) return std::min(end, from + CountTrailingZeros(word));
    from = (from / 64 + 1) * 64;
  }
  return end;
}

std::size_t BitPool::TrailingFree() const {
  std::size_t unit = units_;
  while (unit > 0) {
    const std::size_t chunk = (unit - 1) / kChunkUnits;
    if (unit % kChunkUnits == 0 && chunks_[chunk].free == kChunkUnits) {
      unit -= kChunkUnits;
      continue;
    }
    if (unit % 64 == 0 && used_[unit / 64 - 1] == 0) {
      unit -= 64;
      continue;
    }
    if (Used(unit - 1)) break;
    --unit;
  }
  return units_ - unit;
}

std::optional<std::size_t> BitPool::Allocate(std::size_t count, std::size_t alignment) {
  if (count == 0 || count > units_) return std::nullopt;
  // A run of count + alignment - 1 units always holds an aligned one; a shorter one may as well.
  std::size_t unit = 0;
  while (unit < units_) {
    const std::size_t index = unit / kChunkUnits;
    const std::size_t chunk_end = (index + 1) * kChunkUnits;
    Chunk& chunk = chunks_[index];
    if (unit % kChunkUnits == 0 && (chunk.free == 0 || (chunk.longest_bound < count && Used(chunk_end - 1)))) {
      unit = chunk_end;
      continue;
    }
    const bool whole = unit % kChunkUnits == 0;
    std::size_t longest = 0;
    std::size_t at = unit;
    while (at < chunk_end) {
      const std::size_t start = NextFree(at, chunk_end);
      if (start == chunk_end) break;
      // A run may go on into the chunks that follow; it starts in this one.
      const std::size_t aligned = (start + alignment - 1) & ~(alignment - 1);
      const std::size_t limit = std::min(units_, std::max(aligned + count, chunk_end));
      const std::size_t end = NextUsed(start, limit);
      if (end >= aligned && end - aligned >= count) {
        Mark(aligned, count, true);
        return aligned;
      }
      longest = std::max(longest, std::min(end, chunk_end) - start);
      at = end;
    }
    if (whole) chunk.longest_bound = static_cast<std::uint32_t>(std::min(longest, kChunkUnits));
    unit = std::max(chunk_end, at);
  }
  return std::nullopt;
}

std::optional<std::size_t> BitPool::ChunksNeeded(std::size_t count, std::size_t alignment) const {
  if (count > max_units_) return std::nullopt;
  const std::size_t start = units_ - TrailingFree();
  const std::size_t aligned = (start + alignment - 1) & ~(alignment - 1);
  if (aligned + count > max_units_) return std::nullopt;
  const std::size_t wanted = (aligned + count + kChunkUnits - 1) / kChunkUnits * kChunkUnits;
  if (wanted > max_units_) return std::nullopt;
  return wanted > units_ ? (wanted - units_) / kChunkUnits : 0;
}

void BitPool::AddChunks(std::size_t chunks) {
  units_ += chunks * kChunkUnits;
  used_.resize(units_ / 64);
  last_.resize(units_ / 64);
  chunks_.resize(units_ / kChunkUnits);
}

std::optional<std::size_t> BitPool::RunLength(std::size_t first) const {
  if (first >= units_ || !Used(first)) return std::nullopt;
  // A run starts where the unit before is free or the last of another run.
  if (first > 0 && Used(first - 1) && !Last(first - 1)) return std::nullopt;
  for (std::size_t word = first / 64; word < last_.size(); ++word) {
    std::uint64_t bits = last_[word];
    if (word == first / 64) bits &= ~std::uint64_t{0} << (first % 64);
    if (bits != 0) return word * 64 + CountTrailingZeros(bits) - first + 1;
  }
  return std::nullopt;
}

bool BitPool::Free(std::size_t first) {
  const std::optional<std::size_t> count = RunLength(first);
  if (!count) return false;
  Mark(first, *count, false);
  return true;
}

void BitPool::Mark(std::size_t first, std::size_t count, bool used) {
  const std::size_t end = first + count;
  for (std::size_t unit = first; unit < end;) {
    const std::size_t bits = std::min<std::size_t>(64 - unit % 64, end - unit);
    const std::uint64_t mask = (bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1) << (unit % 64);
    Chunk& chunk = chunks_[unit / kChunkUnits];
    if (used) {
      used_[unit / 64] |= mask;
      chunk.free -= static_cast<std::uint32_t>(bits);
    } else {
      used_[unit / 64] &= ~mask;
      chunk.free += static_cast<std::uint32_t>(bits);
      chunk.longest_bound = chunk.free;
    }
    unit += bits;
  }
  const std::uint64_t last_bit = std::uint64_t{1} << ((end - 1) % 64);
  if (used) {
    last_[(end - 1) / 64] |= last_bit;
    used_units_ += count;
  } else {
    last_[(end - 1) / 64] &= ~last_bit;
    used_units_ -= count;
  }
}

}  // namespace native_mem
