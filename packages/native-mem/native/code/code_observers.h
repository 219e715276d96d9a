// Tells profilers and debuggers about installed code. All of it is off until asked for.
#pragma once

#include <string>

#include "code/code_arena.h"

namespace native_mem {

// Writes a line per block to a perf map file (Linux tools/perf/Documentation/jit-interface.txt); throws when the file
// can't be opened. Blocks that are installed already are written at once.
void EnablePerfMap(const std::string& path);
void DisablePerfMap();
bool PerfMapEnabled();

// Describes blocks to gdb by its JIT interface (gdb manual, "JIT Compilation Interface").
void EnableGdbInterface();
void DisableGdbInterface();

// Called by arenas, with their lock held.
void ObserveInstalled(const CodeBlock& block);
void ObserveFreed(const CodeBlock& block);

}  // namespace native_mem
