// SPDX-License-Identifier: Apache-2.0
//
// What the connections of the port have in common. Internal to the port: includes Boost.Asio.
//
// Each connection lives on a strand of its own; the pending operation's handler keeps it alive, so
// closing its socket ends it. Drain and Abort come from other threads and post to the strand.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/generic/stream_protocol.hpp"

namespace bowerbird::serve {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;

class ConnectionSet;

class Connection {
 public:
  explicit Connection(ConnectionSet& set) : set_(set) {}
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes no new request; ends when what runs has been answered.
  virtual void Drain() = 0;
  // Ends at once.
  virtual void Abort() = 0;

 protected:
  ConnectionSet& set() const { return set_; }

 private:
  ConnectionSet& set_;
};

// Every connection that lives. Thread-safe; outlives them.
class ConnectionSet {
 public:
  void Add(const std::shared_ptr<Connection>& connection);
  size_t size() const;
  void DrainAll();
  void AbortAll();
  // Until none lives any more; false when `deadline` came first.
  bool WaitUntilEmpty(std::chrono::steady_clock::time_point deadline);

 private:
  friend class Connection;
  void Remove(const Connection* connection);
  std::map<const Connection*, std::shared_ptr<Connection>> Alive() const;

  mutable Mutex mutex_;
  CondVar removed_;
  std::map<const Connection*, std::weak_ptr<Connection>> connections_ ABSL_GUARDED_BY(mutex_);
};

struct ConnectionLimits {
  std::chrono::nanoseconds header = std::chrono::seconds(10);  // sniffing, handshake, each header
  std::chrono::nanoseconds idle = std::chrono::seconds(75);    // between requests
  std::chrono::nanoseconds stall = std::chrono::seconds(30);   // a body that does not move on
  size_t max_header = size_t{64} << 10;
  size_t max_message = size_t{32} << 20;
  // Bodies of all requests together; beyond, requests get 503.
  size_t max_bodies = size_t{256} << 20;
};

}  // namespace bowerbird::serve
