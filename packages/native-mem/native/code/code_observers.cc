// See code_observers.h. For gdb each block becomes an ELF file in memory with one section and one symbol.
#include "code/code_observers.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "code/code_lookup.h"
#include "memory/errors.h"

#if defined(__linux__)
#include <elf.h>
#endif

// The names and layouts that gdb looks for; version 1 of its interface.
extern "C" {

enum NativeMemJitAction : std::uint32_t { kJitNoAction = 0, kJitRegister = 1, kJitUnregister = 2 };

struct jit_code_entry {
  jit_code_entry* next_entry;
  jit_code_entry* prev_entry;
  const char* symfile_addr;
  std::uint64_t symfile_size;
};

struct jit_descriptor {
  std::uint32_t version;
  std::uint32_t action_flag;
  jit_code_entry* relevant_entry;
  jit_code_entry* first_entry;
};

// NOLINTBEGIN(bugprone-reserved-identifier): gdb chose the names
__attribute__((visibility("default"), noinline)) void __jit_debug_register_code() { __asm__ volatile("" ::: "memory"); }

__attribute__((visibility("default"))) jit_descriptor __jit_debug_descriptor = {1, kJitNoAction, nullptr, nullptr};
// NOLINTEND(bugprone-reserved-identifier)
}

namespace native_mem {
namespace {

struct GdbEntry {
  jit_code_entry entry{};
  std::vector<char> file;
};

std::atomic<bool> g_any{false};
std::mutex g_mutex;
int g_perf_file = -1;
bool g_gdb = false;

std::map<std::uint64_t, std::unique_ptr<GdbEntry>>& GdbEntries() {
  static auto& entries = *new std::map<std::uint64_t, std::unique_ptr<GdbEntry>>;
  return entries;
}

std::string NameOf(const CodeBlock& block) {
  std::string name = block.name.empty() ? "code_" + Hex(block.address) : block.name;
  for (char& character : name) {
    if (character == '\n' || character == '\0') character = ' ';
  }
  return name;
}

void WritePerfLine(const CodeBlock& block) {
  if (g_perf_file < 0) return;
  char place[64];
  std::snprintf(place, sizeof place, "%llx %zx ", static_cast<unsigned long long>(block.address), block.size);
  const std::string line = place + NameOf(block) + "\n";
  // One write a line: other writers (node --perf-basic-prof) append to the same file.
  if (write(g_perf_file, line.data(), line.size()) < 0) {
    close(g_perf_file);  // a profile is not worth failing for
    g_perf_file = -1;
  }
}

#if defined(__linux__)

template <typename T>
void Append(std::vector<char>& file, const T& value) {
  const char* bytes = reinterpret_cast<const char*>(&value);
  file.insert(file.end(), bytes, bytes + sizeof value);
}

// ELF header, section headers, symbols, names: enough for gdb to find the symbol of an address.
std::vector<char> DescribeAsElf(const CodeBlock& block) {
  static const char section_names[] = "\0.text\0.symtab\0.strtab";
  const std::string names = std::string(1, '\0') + NameOf(block) + std::string(1, '\0');
  constexpr std::size_t sections = 4;
  const std::size_t symbols_at = sizeof(Elf64_Ehdr) + sections * sizeof(Elf64_Shdr);
  const std::size_t names_at = symbols_at + 2 * sizeof(Elf64_Sym);
  const std::size_t section_names_at = names_at + names.size();

  std::vector<char> file;
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
#if defined(__aarch64__)
  header.e_machine = EM_AARCH64;
#else
  header.e_machine = EM_X86_64;
#endif
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shoff = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = sections;
  header.e_shstrndx = 3;
  Append(file, header);

  Append(file, Elf64_Shdr{});
  Elf64_Shdr text{};
  text.sh_name = 1;
  text.sh_type = SHT_NOBITS;
  text.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  text.sh_addr = block.address;
  text.sh_size = block.size;
  text.sh_addralign = 1;
  Append(file, text);
  Elf64_Shdr symtab{};
  symtab.sh_name = 7;
  symtab.sh_type = SHT_SYMTAB;
  symtab.sh_offset = symbols_at;
  symtab.sh_size = 2 * sizeof(Elf64_Sym);
  symtab.sh_link = 3;
  symtab.sh_info = 1;
  symtab.sh_addralign = 8;
  symtab.sh_entsize = sizeof(Elf64_Sym);
  Append(file, symtab);
  Elf64_Shdr strtab{};
  strtab.sh_name = static_cast<Elf64_Word>(names.size()) + 15;  // section names follow the symbol names
  strtab.sh_type = SHT_STRTAB;
  strtab.sh_offset = names_at;
  strtab.sh_size = names.size() + sizeof section_names;
  strtab.sh_addralign = 1;
  Append(file, strtab);

  Append(file, Elf64_Sym{});
  Elf64_Sym symbol{};
  symbol.st_name = 1;
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbol.st_shndx = 1;
  symbol.st_value = 0;  // relative to its section
  symbol.st_size = block.size;
  Append(file, symbol);

  file.insert(file.end(), names.begin(), names.end());
  file.insert(file.end(), section_names, section_names + sizeof section_names);
  // The names of the sections lie behind those of the symbols, in the same table.
  const auto shift = static_cast<Elf64_Word>(section_names_at - names_at);
  for (const std::size_t section : {std::size_t{1}, std::size_t{2}}) {
    auto* name = reinterpret_cast<Elf64_Shdr*>(file.data() + sizeof(Elf64_Ehdr)) + section;
    name->sh_name += shift;
  }
  return file;
}

#else

std::vector<char> DescribeAsElf(const CodeBlock&) { return {}; }

#endif

void Notify(jit_code_entry* entry, NativeMemJitAction action) {
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = kJitNoAction;
  __jit_debug_descriptor.relevant_entry = nullptr;
}

void RemoveGdbEntry(std::uint64_t serial) {
  const auto found = GdbEntries().find(serial);
  if (found == GdbEntries().end()) return;
  jit_code_entry* entry = &found->second->entry;
  if (entry->prev_entry != nullptr) {
    entry->prev_entry->next_entry = entry->next_entry;
  } else {
    __jit_debug_descriptor.first_entry = entry->next_entry;
  }
  if (entry->next_entry != nullptr) entry->next_entry->prev_entry = entry->prev_entry;
  Notify(entry, kJitUnregister);
  GdbEntries().erase(found);
}

void AddGdbEntry(const CodeBlock& block) {
  RemoveGdbEntry(block.serial);
  auto described = std::make_unique<GdbEntry>();
  described->file = DescribeAsElf(block);
  jit_code_entry* entry = &described->entry;
  entry->symfile_addr = described->file.data();
  entry->symfile_size = described->file.size();
  entry->next_entry = __jit_debug_descriptor.first_entry;
  if (entry->next_entry != nullptr) entry->next_entry->prev_entry = entry;
  __jit_debug_descriptor.first_entry = entry;
  GdbEntries()[block.serial] = std::move(described);
  Notify(entry, kJitRegister);
}

// Blocks that were installed before the observer was switched on.
std::vector<CodeBlockPtr> InstalledBlocks() {
  std::vector<CodeBlockPtr> all;
  for (const auto& arena : AllArenas()) {
    for (CodeBlockPtr& block : arena->PublishedBlocks()) all.push_back(std::move(block));
  }
  return all;
}

}  // namespace

void EnablePerfMap(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) FailErrno(errno, "open", "The perf map can't be written there.", path);
  const std::vector<CodeBlockPtr> installed = InstalledBlocks();
  std::lock_guard<std::mutex> lock(g_mutex);
  if (g_perf_file >= 0) close(g_perf_file);
  g_perf_file = file;
  g_any = true;
  for (const CodeBlockPtr& block : installed) WritePerfLine(*block);
}

void DisablePerfMap() {
  std::lock_guard<std::mutex> lock(g_mutex);
  if (g_perf_file >= 0) close(g_perf_file);
  g_perf_file = -1;
  g_any = g_gdb;
}

bool PerfMapEnabled() {
  std::lock_guard<std::mutex> lock(g_mutex);
  return g_perf_file >= 0;
}

void EnableGdbInterface() {
  const std::vector<CodeBlockPtr> installed = InstalledBlocks();
  std::lock_guard<std::mutex> lock(g_mutex);
  g_gdb = true;
  g_any = true;
  for (const CodeBlockPtr& block : installed) AddGdbEntry(*block);
}

void DisableGdbInterface() {
  std::lock_guard<std::mutex> lock(g_mutex);
  g_gdb = false;
  g_any = g_perf_file >= 0;
  while (!GdbEntries().empty()) RemoveGdbEntry(GdbEntries().begin()->first);
}

void ObserveInstalled(const CodeBlock& block) {
  if (!g_any.load(std::memory_order_relaxed)) return;
  std::lock_guard<std::mutex> lock(g_mutex);
  WritePerfLine(block);
  if (g_gdb) AddGdbEntry(block);
}

void ObserveFreed(const CodeBlock& block) {
  if (!g_any.load(std::memory_order_relaxed)) return;
  std::lock_guard<std::mutex> lock(g_mutex);
  if (g_gdb) RemoveGdbEntry(block.serial);
}

}  // namespace native_mem
