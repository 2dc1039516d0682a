// SPDX-License-Identifier: Apache-2.0
#include "serve/connection.h"

namespace bowerbird::serve {

Connection::~Connection() { set_.Remove(this); }

void ConnectionSet::Add(const std::shared_ptr<Connection>& connection) {
  MutexLock lock(mutex_);
  connections_[connection.get()] = connection;
}

void ConnectionSet::Remove(const Connection* connection) {
  MutexLock lock(mutex_);
  connections_.erase(connection);
  removed_.NotifyAll();
}

size_t ConnectionSet::size() const {
  MutexLock lock(mutex_);
  return connections_.size();
}

std::map<const Connection*, std::shared_ptr<Connection>> ConnectionSet::Alive() const {
  std::map<const Connection*, std::shared_ptr<Connection>> alive;
  MutexLock lock(mutex_);
  for (const auto& [key, connection] : connections_) {
    if (auto strong = connection.lock()) alive.emplace(key, std::move(strong));
  }
  return alive;
}

void ConnectionSet::DrainAll() {
  for (const auto& [key, connection] : Alive()) connection->Drain();
}

void ConnectionSet::AbortAll() {
  for (const auto& [key, connection] : Alive()) connection->Abort();
}

bool ConnectionSet::WaitUntilEmpty(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!connections_.empty()) {
    if (!removed_.WaitUntil(mutex_, deadline)) return connections_.empty();
  }
  return true;
}

}  // namespace bowerbird::serve
