// What the server answers over plain HTTP: the page, its small API, health and metrics. And what it takes from the
// request that opens a WebSocket: the document's name and the client's token.
//
// Thread-safe: everything here is read-only after construction, but for the node's own thread-safe functions.
#pragma once

#include <atomic>
#include <boost/beast/http/message_generator.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>

#include "actors/node.hpp"
#include "net/access.hpp"
#include "net/options.hpp"
#include "net/static_files.hpp"

namespace octavo::net {

using http_request = boost::beast::http::request<boost::beast::http::string_body>;

class routes {
 public:
  routes(actors::node& node, const net_options& options, access_policy access, static_files page, bool loopback_only);

  boost::beast::http::message_generator answer(const http_request& request) const;

  /// Why a request may not even be looked at; empty if it may. A page of another site must not use this server with
  /// the visitor's cookies or from the visitor's machine.
  std::string_view refusal(const http_request& request) const;

  struct target {
    std::string document;
    std::string token;
  };
  /// The document that a WebSocket is opened for. errc::invalid_argument: no document can have this name.
  static result<target> websocket_target(const http_request& request);

  const access_policy& access() const { return access_; }

  /// While stopping, /readyz says so, and load balancers turn away.
  void set_stopping() { stopping_.store(true); }
  /// Likewise.
  void set_draining(bool is_draining) { draining_.store(is_draining); }

 private:
  boost::beast::http::message_generator documents(const http_request& request, std::string_view query) const;
  /// Documents that the claims cover, by name, `limit` at the most.
  result<actors::document_listing> covered_documents(const token_claims& claims, const std::string& prefix,
                                                     const std::string& after, std::size_t limit) const;
  boost::beast::http::message_generator place_of(const http_request& request, std::string_view query) const;
  boost::beast::http::message_generator access_of(const http_request& request, std::string_view query) const;
  boost::beast::http::message_generator sign_in(const http_request& request) const;
  boost::beast::http::message_generator page(const http_request& request, std::string_view path) const;

  actors::node& node_;
  const net_options& options_;
  access_policy access_;
  static_files page_;
  bool loopback_only_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> draining_{false};
};

/// {"error":"…"} and a newline: the body of every answer that is an error.
std::string error_body(std::string_view message);

/// The token of a request: the `token` parameter, a Bearer header, or the page's cookie.
std::string token_of(const http_request& request, std::string_view query);

/// All counters of a node as Prometheus reads them.
std::string metrics_text(const metrics& counters, std::size_t connections);

}  // namespace octavo::net
