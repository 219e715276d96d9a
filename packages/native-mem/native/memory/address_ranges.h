// Lock-free tables of address ranges that a signal handler may read: our code, and our file mappings.
// Nodes are never freed, only reused, so a reader can't be left on a dead one.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace native_mem {

class AddressRanges {
 public:
  struct Node {
    std::atomic<std::uintptr_t> start{0};
    std::atomic<std::uintptr_t> end{0};  // 0 = free node
    std::atomic<std::atomic<bool>*> touched{nullptr};
    std::atomic<bool> writable{false};
    Node* next = nullptr;
  };

  // `touched`, when given, must outlive the node's entry.
  Node* Add(std::uintptr_t start, std::uintptr_t end, std::atomic<bool>* touched = nullptr, bool writable = false);
  void Remove(Node* node);

  // Safe in a signal handler.
  Node* Find(std::uintptr_t address) const;

 private:
  std::atomic<Node*> head_{nullptr};
  std::vector<Node*> free_;  // for writers alone
};

AddressRanges& CodeRanges();
AddressRanges& FileRanges();

}  // namespace native_mem
