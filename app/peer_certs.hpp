// Certificates of a cluster's nodes: the port where nodes connect is open to whoever shows one that the cluster's own
// authority (CA) signed, and to nobody else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "storage/result.hpp"

namespace octavo::app {

/// Whether the three files can work together: they can be read, the key is the certificate's, and the certificate is
/// valid now and signed by the authority. errc::invalid_argument says which is wrong.
result<void> check_peer_tls(const peer_tls_options& files);

/// Makes an authority (ca.pem, ca-key.pem) in a folder, unless it is there, and a certificate with its key for each
/// node (NODE.pem, NODE-key.pem). Keys are P-256, and only their owner may read them. What is there is not written
/// over. errc::invalid_argument: a name; errc::already_exists: a node's files; errc::io_error.
result<void> make_peer_certs(const std::filesystem::path& folder, const std::vector<std::string>& nodes, int days);

}  // namespace octavo::app
