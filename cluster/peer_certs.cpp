#include "cluster/peer_certs.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>

#include "cluster/records.hpp"

namespace octavo::cluster {

namespace {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* one) const {
    Free(one);
  }
};
using key_pointer = std::unique_ptr<EVP_PKEY, openssl_free<EVP_PKEY_free>>;
using certificate_pointer = std::unique_ptr<X509, openssl_free<X509_free>>;
using store_pointer = std::unique_ptr<X509_STORE, openssl_free<X509_STORE_free>>;
struct chain_free {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using chain_pointer = std::unique_ptr<STACK_OF(X509), chain_free>;
using context_pointer = std::unique_ptr<X509_STORE_CTX, openssl_free<X509_STORE_CTX_free>>;
using file_pointer = std::unique_ptr<std::FILE, openssl_free<std::fclose>>;

constexpr auto certificate_version_3 = 2L;
constexpr auto day_s = 86'400L;
/// Clocks of nodes need not agree to the second.
constexpr auto backdated_s = -3'600L;

std::string openssl_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const auto* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

result<certificate_pointer> read_certificate(const std::string& file) {
  auto in = file_pointer{std::fopen(file.c_str(), "re")};
  if (!in) return fail(errc::invalid_argument, file + " cannot be opened");
  auto read = certificate_pointer{PEM_read_X509(in.get(), nullptr, nullptr, nullptr)};
  if (!read) return fail(errc::invalid_argument, file + " holds no certificate (PEM): " + openssl_reason());
  return read;
}

/// What follows the first certificate of a file, by which it leads to an authority.
chain_pointer read_chain(const std::string& file) {
  auto chain = chain_pointer{sk_X509_new_null()};
  auto in = file_pointer{std::fopen(file.c_str(), "re")};
  for (auto is_first = true; in && chain; is_first = false) {
    auto one = certificate_pointer{PEM_read_X509(in.get(), nullptr, nullptr, nullptr)};
    if (!one) break;
    if (!is_first && sk_X509_push(chain.get(), one.get()) > 0) (void)one.release();
  }
  ERR_clear_error();
  return chain;
}

result<key_pointer> read_key(const std::string& file) {
  auto in = file_pointer{std::fopen(file.c_str(), "re")};
  if (!in) return fail(errc::invalid_argument, file + " cannot be opened");
  // Without a callback OpenSSL would ask for a passphrase at the terminal.
  auto nothing = [](char*, int, int, void*) { return 0; };
  auto read = key_pointer{PEM_read_PrivateKey(in.get(), nullptr, nothing, nullptr)};
  if (!read)
    return fail(errc::invalid_argument, file + " holds no key (PEM, without a passphrase): " + openssl_reason());
  return read;
}

result<void> made(bool is_done, std::string_view what) {
  if (is_done) return {};
  return fail(errc::internal, std::string{what} + " cannot be made: " + openssl_reason());
}

bool add_extension(X509* to, X509* issuer, int which, const char* value) {
  auto context = X509V3_CTX{};
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, which, value);
  const auto is_added = extension != nullptr && X509_add_ext(to, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return is_added;
}

/// A certificate for `key`, signed by `issuer` with its key, or by itself.
certificate_pointer sign(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, int days) {
  auto one = certificate_pointer{X509_new()};
  auto serial = std::array<unsigned char, 16>{};
  if (!one || RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return {};
  serial.front() &= 0x7fU;
  auto* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  auto is_good = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(one.get())) != nullptr;
  BN_free(number);
  is_good = is_good && X509_set_version(one.get(), certificate_version_3) == 1 &&
            X509_gmtime_adj(X509_getm_notBefore(one.get()), backdated_s) != nullptr &&
            X509_gmtime_adj(X509_getm_notAfter(one.get()), days * day_s) != nullptr &&
            X509_set_pubkey(one.get(), key) == 1;
  auto* subject = X509_get_subject_name(one.get());
  is_good = is_good && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                  reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1;
  const auto is_authority = issuer == nullptr;
  if (is_authority) issuer = one.get();
  is_good = is_good && X509_set_issuer_name(one.get(), X509_get_subject_name(issuer)) == 1;
  is_good = is_good && add_extension(one.get(), issuer, NID_basic_constraints,
                                     is_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  is_good = is_good && add_extension(one.get(), issuer, NID_key_usage,
                                     is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  // A node is a server to some nodes and a client to others.
  if (!is_authority) is_good = is_good && add_extension(one.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  is_good = is_good && X509_sign(one.get(), issuer_key, EVP_sha256()) != 0;
  return is_good ? std::move(one) : nullptr;
}

result<void> write_new(const std::filesystem::path& file, const std::function<bool(std::FILE*)>& write) {
  // Whatever the process's umask is: keys are their owner's alone.
  const auto opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  auto out = file_pointer{opened < 0 ? nullptr : ::fdopen(opened, "w")};
  if (!out) return fail(errc::io_error, "cannot make " + file.string() + ": it is there already, or its folder is not");
  if (!write(out.get()) || std::fflush(out.get()) != 0) return fail(errc::io_error, "cannot write " + file.string());
  return {};
}

result<void> write_pair(const std::filesystem::path& folder, const std::string& name, X509* certificate,
                        EVP_PKEY* key) {
  auto wrote = write_new(folder / (name + "-key.pem"), [&](std::FILE* out) {
    return PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  });
  if (!wrote) return wrote;
  return write_new(folder / (name + ".pem"), [&](std::FILE* out) { return PEM_write_X509(out, certificate) == 1; });
}

}  // namespace

result<void> check_peer_tls(const peer_tls_options& files) {
  if (files.certificate.empty() || files.key.empty() || files.ca.empty())
    return fail(
        errc::invalid_argument,
        "--peer-cert, --peer-key and --peer-ca belong together: a node shows its certificate to the others, and "
        "checks theirs (octavo cluster certs makes some)");
  auto certificate = read_certificate(files.certificate);
  if (!certificate) return tl::unexpected{certificate.error()};
  auto key = read_key(files.key);
  if (!key) return tl::unexpected{key.error()};
  auto authority = read_certificate(files.ca);
  if (!authority) return tl::unexpected{authority.error()};
  if (X509_check_private_key(certificate->get(), key->get()) != 1)
    return fail(errc::invalid_argument, files.key + " is not the key of " + files.certificate);
  auto store = store_pointer{X509_STORE_new()};
  auto chain = read_chain(files.certificate);
  if (!store || X509_STORE_load_file(store.get(), files.ca.c_str()) != 1)
    return fail(errc::invalid_argument, files.ca + ": " + openssl_reason());
  // A node is a server to some nodes and a client to others.
  for (const auto* purpose : {"ssl_server", "ssl_client"}) {
    auto context = context_pointer{X509_STORE_CTX_new()};
    if (!context || X509_STORE_CTX_init(context.get(), store.get(), certificate->get(), chain.get()) != 1 ||
        X509_STORE_CTX_set_default(context.get(), purpose) != 1)
      return fail(errc::internal, "certificates cannot be checked: " + openssl_reason());
    if (X509_verify_cert(context.get()) != 1)
      return fail(errc::invalid_argument,
                  files.certificate + " is not taken by those who trust " + files.ca + " (as " + purpose +
                      "): " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  return {};
}

result<void> make_peer_certs(const std::filesystem::path& folder, const std::vector<std::string>& nodes, int days) {
  for (const auto& node : nodes) {
    if (!is_node_name(node) || node == "ca")
      return fail(errc::invalid_argument, "'" + node + "' cannot be a node's name: 1 to 64 of a-z, 0-9 and -, not ca");
    if (std::filesystem::exists(folder / (node + ".pem")) || std::filesystem::exists(folder / (node + "-key.pem")))
      return fail(errc::already_exists, "there is a certificate of " + node + " in " + folder.string() +
                                            " already: remove it first to make another one");
  }
  auto failed = std::error_code{};
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(errc::io_error, "cannot make " + folder.string() + ": " + failed.message());
  const auto ca_file = (folder / "ca.pem").string();
  const auto ca_key_file = (folder / "ca-key.pem").string();
  auto authority = certificate_pointer{};
  auto authority_key = key_pointer{};
  if (std::filesystem::exists(ca_file)) {
    auto certificate = read_certificate(ca_file);
    if (!certificate) return tl::unexpected{certificate.error()};
    auto key = read_key(ca_key_file);
    if (!key) return tl::unexpected{key.error()};
    if (X509_check_private_key(certificate->get(), key->get()) != 1)
      return fail(errc::invalid_argument, ca_key_file + " is not the key of " + ca_file);
    authority = std::move(*certificate);
    authority_key = std::move(*key);
  } else {
    authority_key.reset(EVP_EC_gen("P-256"));
    if (auto done = made(authority_key != nullptr, "a key"); !done) return done;
    authority = sign("octavo cluster", authority_key.get(), nullptr, authority_key.get(), days);
    if (auto done = made(authority != nullptr, "a certificate"); !done) return done;
    if (auto done = write_pair(folder, "ca", authority.get(), authority_key.get()); !done) return done;
  }
  for (const auto& node : nodes) {
    auto key = key_pointer{EVP_EC_gen("P-256")};
    if (auto done = made(key != nullptr, "a key"); !done) return done;
    auto certificate = sign(node, key.get(), authority.get(), authority_key.get(), days);
    if (auto done = made(certificate != nullptr, "a certificate"); !done) return done;
    if (auto done = write_pair(folder, node, certificate.get(), key.get()); !done) return done;
  }
  return {};
}

}  // namespace octavo::cluster
