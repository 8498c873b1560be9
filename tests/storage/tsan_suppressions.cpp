// RocksDB comes from Debian without ThreadSanitizer's instrumentation, so that the atomics with which its threads hand
// data to each other are not seen, and each read of its memory looks like a race: in its own code, and in ours where it
// looks at a value that RocksDB has lent it. Any program that is to run under ThreadSanitizer and opens a store needs
// this file; elsewhere it does nothing.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\n"
         "race:octavo::storage::unseal\n"
         "race:octavo::storage::decode_\n"
         "race:octavo::storage::store::impl::load_records\n"
         "race:octavo::storage::store::impl::read_log\n"
         "race:octavo::storage::store::impl::list\n"
         "race:octavo::storage::store::impl::snapshots_of\n"
         "race:octavo::storage::store::impl::measure_log\n";
}
