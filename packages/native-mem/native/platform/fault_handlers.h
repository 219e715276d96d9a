// Turns faults of our code into returns to the landing pad; passes every other signal on.
#pragma once

namespace native_mem {

bool GuardedCallsSupported();
// Throws ERR_UNSUPPORTED where code can't be installed and called.
void RequireCodeSupport();
// Once per process; throws NativeError where the platform has no support.
void InstallFaultHandlers();

}  // namespace native_mem
