// octavo_load: one scenario of the benchmark against a server that runs already. Prints one line of JSON.
// bench/run starts the servers and calls this; see bench/README.md.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "bench/load/scenarios.hpp"

namespace octavo::bench {

namespace {

// Ten thousand sockets need as many file descriptors; the soft limit is often 1024 while the hard one allows more.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

boost::json::object read_json(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  return boost::json::parse(std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()})
      .as_object();
}

int run(int argc, char** argv) {
  raise_descriptor_limit();
  CLI::App app("Loads a server that speaks Yjs, and measures it.");
  app.require_subcommand(1);
  std::uint16_t port = 0;
  std::string speech = "y-websocket";
  pid_t server = 0;
  app.add_option("--port", port, "where the server listens on 127.0.0.1")->required();
  app.add_option("--dialect", speech, "y-websocket or hocuspocus")->check(CLI::IsMember({"y-websocket", "hocuspocus"}));
  app.add_option("--server-pid", server, "the server's process, whose memory and CPU time are read");

  target where;
  boost::json::object result;
  const auto on = [&](CLI::App* command, auto scenario) {
    command->fallthrough();
    command->final_callback([&, scenario] {
      where.server = {boost::asio::ip::make_address("127.0.0.1"), port};
      where.speech = dialect_named(speech).value();
      result = scenario();
    });
  };
  const auto ms_option = [](CLI::App* command, const std::string& name, std::chrono::milliseconds& value,
                            const std::string& what) {
    command->add_option_function<std::int64_t>(
        name, [&value](const std::int64_t& count) { value = std::chrono::milliseconds(count); }, what);
  };

  ramp_options ramp;
  auto* command = app.add_subcommand("ramp", "S1, S2: raise the rate of edits until they arrive too late");
  command->add_option("--prefix", ramp.prefix, "how document names begin")->required();
  command->add_option("--documents", ramp.documents, "documents");
  command->add_option("--writers", ramp.writers, "writing clients of each");
  command->add_option("--readers", ramp.readers, "other clients of each");
  command->add_option("--first-rate", ramp.first_rate, "edits a second, all writers together");
  command->add_option("--factor", ramp.factor, "from one rate to the next")->check(CLI::Range(1.01, 100.0));
  command->add_option("--refinements", ramp.refinements, "halvings at the end");
  ms_option(command, "--warm-up-ms", ramp.warm_up, "not measured, before each stage");
  ms_option(command, "--stage-ms", ramp.stage, "measured");
  ms_option(command, "--limit-ms", ramp.limit, "for the whole ramp");
  on(command, [&] {
    ramp.server = server;
    return run_ramp(where, ramp);
  });

  idle_options idle;
  command = app.add_subcommand("idle", "S3: open connections that say nothing");
  command->add_option("--prefix", idle.prefix, "how document names begin")->required();
  command->add_option("--connections", idle.connections, "how many");
  command->add_option("--per-document", idle.per_document, "of them on one document");
  on(command, [&] {
    idle.server = server;
    return run_idle(where, idle);
  });

  trace_options trace;
  command = app.add_subcommand("trace-write", "S4: write a recorded session, one update a message");
  command->add_option("--document", trace.document, "its name")->required();
  command->add_option("--file", trace.file, "varuint count, then each update after its length")->required();
  command->add_option("--updates-max", trace.updates_max, "write only so many");
  ms_option(command, "--limit-ms", trace.limit, "give up after");
  on(command, [&] { return run_trace_write(where, trace); });

  cold_options cold;
  command = app.add_subcommand("cold-open", "S4: open a document once");
  command->add_option("--document", cold.document, "its name")->required();
  command->add_option("--clocks", cold.clocks, "what trace-write said");
  command->add_option("--marker-client", cold.marker_client, "what trace-write said");
  ms_option(command, "--limit-ms", cold.limit, "give up after");
  on(command, [&] { return run_cold_open(where, cold); });

  kill_options kill;
  command = app.add_subcommand("kill", "S5: write, and kill the server in the middle");
  command->add_option("--document", kill.document, "its name")->required();
  command->add_option("--rate", kill.rate, "edits a second");
  ms_option(command, "--after-ms", kill.after, "when to kill it");
  on(command, [&] {
    if (server <= 0) throw std::runtime_error("kill needs --server-pid");
    kill.server = server;
    return run_kill(where, kill);
  });

  std::string verified_document;
  std::string expected;
  command = app.add_subcommand("verify", "S5: count the edits that are missing after the restart");
  command->add_option("--document", verified_document, "its name")->required();
  command->add_option("--expected", expected, "the file with what kill printed")->required();
  on(command, [&] { return run_verify(where, verified_document, read_json(expected)); });

  storm_options storm;
  const auto storm_command = [&](const char* name, const char* what) {
    auto* made = app.add_subcommand(name, what);
    made->add_option("--prefix", storm.prefix, "how document names begin")->required();
    made->add_option("--documents", storm.documents, "documents");
    made->add_option("--clients", storm.clients, "clients, on all documents in turn");
    made->add_option("--characters", storm.characters, "text in each document");
    return made;
  };
  on(storm_command("fill", "S6: write the documents"), [&] { return run_fill(where, storm); });
  on(storm_command("storm", "S6: come back to them with all clients at once"), [&] { return run_storm(where, storm); });

  CLI11_PARSE(app, argc, argv);
  std::cout << boost::json::serialize(result) << '\n';
  return 0;
}

}  // namespace

}  // namespace octavo::bench

int main(int argc, char** argv) {
  try {
    return octavo::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "octavo_load: " << error.what() << '\n';
    return 1;
  }
}
