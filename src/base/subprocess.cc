// SPDX-License-Identifier: Apache-2.0
#include "base/subprocess.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/descriptor.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird {
namespace {

using Clock = std::chrono::steady_clock;

// How often the end of a child is looked for on kernels without pidfd_open (before 5.3).
constexpr int kPollWithoutPidfdMs = 20;

int PollTimeout(Subprocess::Deadline deadline) {
  if (deadline == Subprocess::Deadline::max()) return -1;
  const auto now = Clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::min<int64_t>(left, 3'600'000));
}

// Keeps a write to a pipe without reader from killing us: SIGPIPE is blocked, and taken away if it
// came. (MSG_NOSIGNAL is for sockets only.)
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec now{0, 0};
    if (!was_pending_) {
      while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

ExitStatus FromWaitStatus(int status) {
  ExitStatus result;
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.code = WEXITSTATUS(status);
  }
  return result;
}

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal == 0) return "exited with " + std::to_string(code);
  const char* abbreviation = sigabbrev_np(signal);
  return "killed by " + (abbreviation == nullptr ? "signal " + std::to_string(signal)
                                                 : "SIG" + std::string(abbreviation));
}

struct Subprocess::Impl {
  explicit Impl(Options given) : options(std::move(given)) {}
  ~Impl() {
    if (thread.joinable()) thread.join();
  }

  absl::Status Prepare();
  void Run();  // the child's thread
  int Spawn();
  void Watch();
  void DrainStderr();
  bool HasEnded() const;
  void Reap();
  absl::Status AwaitReady(int fd, short events, Deadline deadline);

  Options options;
  std::vector<std::string> argv;
  Descriptor child_input, child_output, child_error;  // closed after the start
  Descriptor input, output, error;                    // our ends
  Descriptor interrupted;                             // eventfd
  pid_t pid = -1;                                     // set before Start returns
  std::thread thread;

  mutable Mutex mutex;
  mutable CondVar changed;
  bool started ABSL_GUARDED_BY(mutex) = false;
  int start_error ABSL_GUARDED_BY(mutex) = 0;
  std::optional<ExitStatus> status ABSL_GUARDED_BY(mutex);
  std::string tail ABSL_GUARDED_BY(mutex);
};

absl::Status Subprocess::Impl::Prepare() {
  if (options.argv.empty()) return Internal("a child process without argv");
  ASSIGN_OR_RETURN(std::string program, FindProgram(options.argv[0]));
  if (options.name.empty()) options.name = std::filesystem::path(program).filename().string();
  if (!options.directory.empty() && !std::filesystem::is_directory(options.directory))
    return NotFound(options.name + ": there is no directory " + options.directory);
  const auto setpriv = FindProgram("setpriv");
  if (setpriv.ok()) {
    argv = {*setpriv, "--pdeathsig", "KILL", "--"};
  } else {
    LogWarning("base", options.name +
                           " may outlive this program: setpriv not found, install the Debian "
                           "package util-linux");
  }
  argv.push_back(std::move(program));
  argv.insert(argv.end(), options.argv.begin() + 1, options.argv.end());

  if (options.input == Stream::kPipe) {
    ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
    child_input = std::move(pipe.read);
    input = std::move(pipe.write);
    SetNonBlocking(input.get());
  }
  if (options.output == Stream::kPipe) {
    ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
    child_output = std::move(pipe.write);
    output = std::move(pipe.read);
    SetNonBlocking(output.get());
  }
  ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
  child_error = std::move(pipe.write);
  error = std::move(pipe.read);
  SetNonBlocking(error.get());
  interrupted = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (interrupted.get() < 0) return ErrnoStatus(errno, "eventfd");
  return absl::OkStatus();
}

int Subprocess::Impl::Spawn() {
  SpawnPlan plan;
  plan.Connect(STDIN_FILENO, options.input, child_input.get());
  plan.Connect(STDOUT_FILENO, options.output, child_output.get());
  plan.Connect(STDERR_FILENO, Stream::kPipe, child_error.get());
  plan.ChangeDirectory(options.directory);
  const int problem = plan.Spawn(argv, MergedEnvironment(options.environment), &pid);
  child_input.Close();
  child_output.Close();
  child_error.Close();
  if (problem != 0) return problem;
  for (const auto& [resource, value] : options.limits) {
    const rlimit64 limit{value, value};
    prlimit64(pid, static_cast<__rlimit_resource>(resource), &limit, nullptr);
  }
  return 0;
}

void Subprocess::Impl::Run() {
  pthread_setname_np(pthread_self(), ("child-" + options.name).substr(0, 15).c_str());
  const int problem = Spawn();
  {
    MutexLock lock(mutex);
    start_error = problem;
    started = true;
    changed.NotifyAll();
  }
  if (problem == 0) Watch();
}

// Until the child has ended: collects its stderr. Its other streams are the callers' business.
void Subprocess::Impl::Watch() {
  Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  while (true) {
    std::array<pollfd, 2> waited{{{error.get(), POLLIN, 0}, {pidfd.get(), POLLIN, 0}}};
    poll(waited.data(), waited.size(), pidfd.get() < 0 ? kPollWithoutPidfdMs : -1);
    if (waited[0].revents != 0) DrainStderr();
    if ((pidfd.get() < 0 || waited[1].revents != 0) && HasEnded()) break;
  }
  DrainStderr();  // what was written just before the end; a grandchild may hold the pipe open
  Reap();
}

void Subprocess::Impl::DrainStderr() {
  std::array<char, 4096> buffer;
  // Bounded, so that a grandchild that never stops writing cannot keep us here.
  for (int i = 0; i < 64 && error.get() >= 0; ++i) {
    const ssize_t count = read(error.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    if (count == 0) return error.Close();
    if (options.on_stderr) options.on_stderr({buffer.data(), static_cast<size_t>(count)});
    MutexLock lock(mutex);
    tail.append(buffer.data(), static_cast<size_t>(count));
    if (tail.size() > options.stderr_tail) tail.erase(0, tail.size() - options.stderr_tail);
  }
}

// Without taking its status: as long as it is a zombie, its process group id cannot be reused.
bool Subprocess::Impl::HasEnded() const {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return errno != EINTR;
  return info.si_pid == pid;
}

void Subprocess::Impl::Reap() {
  MutexLock lock(mutex);
  // Only while it is our zombie: had somebody else collected it, the id might be another's by now.
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == pid) {
    kill(-pid, SIGKILL);
  }
  int wait_status = 0;
  pid_t result = -1;
  do {
    result = waitpid(pid, &wait_status, 0);
  } while (result < 0 && errno == EINTR);
  status = FromWaitStatus(wait_status);
  changed.NotifyAll();
}

absl::Status Subprocess::Impl::AwaitReady(int fd, short events, Deadline deadline) {
  while (true) {
    std::array<pollfd, 2> waited{{{fd, events, 0}, {interrupted.get(), POLLIN, 0}}};
    const int count = poll(waited.data(), waited.size(), PollTimeout(deadline));
    if (count < 0 && errno != EINTR) return ErrnoStatus(errno, options.name + ": poll");
    if (count > 0 && waited[1].revents != 0)
      return absl::CancelledError(ToAbsl(options.name + ": reading was interrupted"));
    if (count > 0) return absl::OkStatus();
    if (Clock::now() >= deadline)
      return absl::DeadlineExceededError(ToAbsl(options.name + ": no data in time"));
  }
}

absl::StatusOr<std::unique_ptr<Subprocess>> Subprocess::Start(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->Prepare());
  impl->thread = std::thread([raw = impl.get()] { raw->Run(); });
  int problem = 0;
  {
    MutexLock lock(impl->mutex);
    while (!impl->started) impl->changed.Wait(impl->mutex);
    problem = impl->start_error;
  }
  if (problem != 0) return ErrnoStatus(problem, "start " + impl->options.argv[0]);
  return std::unique_ptr<Subprocess>(new Subprocess(std::move(impl)));
}

Subprocess::Subprocess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Subprocess::~Subprocess() { Kill(); }

pid_t Subprocess::pid() const { return impl_->pid; }

absl::StatusOr<size_t> Subprocess::Read(std::span<char> buffer, Deadline deadline) {
  if (impl_->output.get() < 0) return Internal(impl_->options.name + ": stdout is no pipe");
  while (true) {
    RETURN_IF_ERROR(impl_->AwaitReady(impl_->output.get(), POLLIN, deadline));
    const ssize_t count = read(impl_->output.get(), buffer.data(), buffer.size());
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR && errno != EAGAIN)
      return ErrnoStatus(errno, "read from " + impl_->options.name);
  }
}

absl::Status Subprocess::Write(std::string_view bytes, Deadline deadline) {
  if (impl_->input.get() < 0) return Internal(impl_->options.name + ": stdin is no pipe");
  while (!bytes.empty()) {
    RETURN_IF_ERROR(impl_->AwaitReady(impl_->input.get(), POLLOUT, deadline));
    ssize_t count = 0;
    int problem = 0;
    {
      NoSigpipe no_signal;
      count = write(impl_->input.get(), bytes.data(), bytes.size());
      problem = errno;
    }
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (problem == EPIPE) {
      return Unavailable(impl_->options.name + " reads no more");
    } else if (problem != EINTR && problem != EAGAIN) {
      return ErrnoStatus(problem, "write to " + impl_->options.name);
    }
  }
  return absl::OkStatus();
}

void Subprocess::CloseInput() { impl_->input.Close(); }

void Subprocess::Interrupt() { eventfd_write(impl_->interrupted.get(), 1); }

std::optional<ExitStatus> Subprocess::Wait(Deadline deadline) const {
  MutexLock lock(impl_->mutex);
  while (!impl_->status) {
    if (!impl_->changed.WaitUntil(impl_->mutex, deadline)) break;
  }
  return impl_->status;
}

void Subprocess::Signal(int signal) {
  MutexLock lock(impl_->mutex);  // against Reap: after it the id may belong to others
  if (!impl_->status) kill(-impl_->pid, signal);
}

ExitStatus Subprocess::Kill() {
  Signal(SIGTERM);
  Signal(SIGCONT);  // a stopped process takes no SIGTERM
  if (!Wait(Clock::now() + impl_->options.grace)) Signal(SIGKILL);
  return *Wait();
}

std::string Subprocess::Stderr() const {
  MutexLock lock(impl_->mutex);
  return impl_->tail;
}

std::string Subprocess::LastStderrLine() const {
  const std::string text = Stderr();
  const size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string::npos) return "";
  const size_t start = text.find_last_of("\r\n", last);
  const size_t from = start == std::string::npos ? 0 : start + 1;
  return Utf8Line(std::string_view(text).substr(from, last + 1 - from), text.size());
}

}  // namespace bowerbird
