// SPDX-License-Identifier: Apache-2.0
//
// Linked into every program that is built with ThreadSanitizer. Debian's gRPC is not built for it:
// its queues are guarded by Abseil's locks and by bare atomics, inside libraries. What one thread
// hands to another by way of gRPC would look like a race. The definitions of a program come before
// those of its libraries for everybody in the process; these call the libraries', and tell the
// sanitizer what is ordered: a lock after who held it before, and an event that a completion queue
// hands out after every operation that was started before it. The latter is wider than the truth,
// so that a race between two calls of which one ended before the other began is not seen; races of
// calls that overlap are.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpc/grpc.h"

namespace {

// The library's definition of a member function, by its mangled name.
template <typename Function>
Function Next(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function>(found);
}

// Stands for everything that is handed from operations to events.
char operations;

}  // namespace

#define BOWERBIRD_NEXT(result, name, ...) \
  static const auto next = Next<result (*)(__VA_ARGS__)>("_ZN4absl7debian3" name)

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  BOWERBIRD_NEXT(void, "5Mutex4LockEv", Mutex*);
  next(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  BOWERBIRD_NEXT(void, "5Mutex6UnlockEv", Mutex*);
  __tsan_release(this);
  next(this);
}

bool Mutex::TryLock() {
  BOWERBIRD_NEXT(bool, "5Mutex7TryLockEv", Mutex*);
  const bool locked = next(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::ReaderLock() {
  BOWERBIRD_NEXT(void, "5Mutex10ReaderLockEv", Mutex*);
  next(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  BOWERBIRD_NEXT(void, "5Mutex12ReaderUnlockEv", Mutex*);
  __tsan_release(this);
  next(this);
}

void CondVar::Wait(Mutex* mutex) {
  BOWERBIRD_NEXT(void, "7CondVar4WaitEPNS0_5MutexE", CondVar*, Mutex*);
  __tsan_release(mutex);
  next(this, mutex);
  __tsan_acquire(mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  BOWERBIRD_NEXT(bool, "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", CondVar*, Mutex*,
                 Duration);
  __tsan_release(mutex);
  const bool timed_out = next(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  BOWERBIRD_NEXT(bool, "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", CondVar*, Mutex*, Time);
  __tsan_release(mutex);
  const bool timed_out = next(this, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

ABSL_NAMESPACE_END
}  // namespace absl

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t nops, void* tag,
                                      void* reserved) {
  static const auto next = Next<decltype(&grpc_call_start_batch)>("grpc_call_start_batch");
  __tsan_release(&operations);
  return next(call, ops, nops, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline,
                                      void* reserved) {
  static const auto next =
      Next<decltype(&grpc_completion_queue_next)>("grpc_completion_queue_next");
  const grpc_event event = next(queue, deadline, reserved);
  __tsan_acquire(&operations);
  return event;
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                       gpr_timespec deadline, void* reserved) {
  static const auto next =
      Next<decltype(&grpc_completion_queue_pluck)>("grpc_completion_queue_pluck");
  const grpc_event event = next(queue, tag, deadline, reserved);
  __tsan_acquire(&operations);
  return event;
}

}  // extern "C"
