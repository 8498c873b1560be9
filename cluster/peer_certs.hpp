// Certificates of a cluster's nodes: the port where nodes connect is open to whoever shows one that the cluster's own
// authority (CA) signed, and to nobody else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "storage/result.hpp"

namespace octavo::cluster {

/// Files (PEM) with which nodes know each other. Empty: nodes talk in the clear, on loopback only.
struct peer_tls_options {
  std::string certificate;
  std::string key;
  std::string ca;  ///< who signed the certificates of all nodes
  bool is_wanted() const { return !certificate.empty() || !key.empty() || !ca.empty(); }
};

/// Whether the three files can work together: they can be read, the key is the certificate's, and the certificate is
/// valid now and signed by the authority. errc::invalid_argument says which is wrong.
result<void> check_peer_tls(const peer_tls_options& files);

/// Makes an authority (ca.pem, ca-key.pem) in a folder, unless it is there, and a certificate with its key for each
/// node (NODE.pem, NODE-key.pem). Keys are P-256, and only their owner may read them. What is there is not written
/// over. errc::invalid_argument: a name; errc::already_exists: a node's files; errc::io_error.
result<void> make_peer_certs(const std::filesystem::path& folder, const std::vector<std::string>& nodes, int days);

}  // namespace octavo::cluster
