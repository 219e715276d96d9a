// See address_ranges.h. Writers take a mutex; readers take nothing.
#include "memory/address_ranges.h"

#include <mutex>

namespace native_mem {
namespace {
std::mutex g_writers;
}

AddressRanges::Node* AddressRanges::Add(std::uintptr_t start, std::uintptr_t end, std::atomic<bool>* touched,
                                        bool writable) {
  std::lock_guard<std::mutex> lock(g_writers);
  const bool fresh = free_.empty();
  Node* node = fresh ? new Node : free_.back();
  if (!fresh) free_.pop_back();
  node->touched.store(touched, std::memory_order_relaxed);
  node->writable.store(writable, std::memory_order_relaxed);
  node->start.store(start, std::memory_order_relaxed);
  node->end.store(end, std::memory_order_release);
  if (fresh) {
    node->next = head_.load(std::memory_order_relaxed);
    head_.store(node, std::memory_order_release);
  }
  return node;
}

void AddressRanges::Remove(Node* node) {
  std::lock_guard<std::mutex> lock(g_writers);
  node->end.store(0, std::memory_order_release);
  free_.push_back(node);
}

AddressRanges::Node* AddressRanges::Find(std::uintptr_t address) const {
  for (Node* node = head_.load(std::memory_order_acquire); node != nullptr; node = node->next) {
    if (address < node->end.load(std::memory_order_acquire) && address >= node->start.load(std::memory_order_relaxed)) {
      return node;
    }
  }
  return nullptr;
}

AddressRanges& CodeRanges() {
  static AddressRanges& ranges = *new AddressRanges;  // never destroyed: handlers outlive static destructors
  return ranges;
}

AddressRanges& FileRanges() {
  static AddressRanges& ranges = *new AddressRanges;
  return ranges;
}

}  // namespace native_mem
