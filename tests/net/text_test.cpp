#include "net/text.hpp"

#include <doctest/doctest.h>

using namespace octavo::net;

TEST_CASE("percent signs are decoded, and a stray one is an error") {
  CHECK(percent_decode("") == "");
  CHECK(percent_decode("a+b") == "a+b");
  CHECK(percent_decode("%41") == "A");
  CHECK(percent_decode("%d0%BD%20x%2f") == "\xd0\xbd x/");
  CHECK(percent_decode("%00") == std::string(1, '\0'));
  CHECK(percent_decode("%2541") == "%41");
  for (const std::string_view text : {"%", "%4", "a%", "a%4", "%zz", "%4g", "%%41", "% 1"}) {
    CAPTURE(text);
    CHECK_FALSE(percent_decode(text));
  }
}

TEST_CASE("a query parameter is found by name and decoded") {
  CHECK(query_parameter("a=1&b=2", "b") == "2");
  CHECK(query_parameter("a=1&b=2", "c").empty());
  CHECK(query_parameter("", "a").empty());
  CHECK(query_parameter("a", "a").empty());
  CHECK(query_parameter("a=", "a").empty());
  CHECK(query_parameter("&&a=1&", "a") == "1");
  CHECK(query_parameter("ab=1&b=2", "b") == "2");
  CHECK(query_parameter("token=a%2Fb%20c+d", "token") == "a/b c d");
  CHECK(query_parameter("token=a%2Bb=c", "token") == "a+b=c");
  CHECK(query_parameter("to%6ben=x", "token") == "x");
  CHECK(query_parameter("token=1&token=2", "token") == "1");
  CHECK(query_parameter("token=%zz", "token").empty());
  CHECK(query_parameter("%zz=1&token=2", "token") == "2");
}

TEST_CASE("an origin is scheme, host and port, and nothing more") {
  CHECK(origin_authority("https://notes.example") == "notes.example");
  CHECK(origin_authority("http://localhost:5173") == "localhost:5173");
  CHECK(origin_authority("http://[::1]:8080") == "[::1]:8080");
  CHECK(origin_authority("chrome-extension://abc") == "abc");
  for (const std::string_view text :
       {"", "null", "://", "://x", "http://", "file://", "notes.example", "http:/x", "http://a/b", "http://a@b",
        "http://a?b", "http://a#b", "http://a b", "ht tp://a", "http://a\\b"}) {
    CAPTURE(text);
    CHECK(origin_authority(text).empty());
  }
}

TEST_CASE("an origin is turned into what browsers send, and what is none is refused") {
  const auto sent = [](std::string_view origin) { return origin_as_sent(origin).value_or("-"); };
  CHECK(sent("https://notes.example") == "https://notes.example");
  CHECK(sent("HTTPS://Notes.Example:443") == "https://notes.example");
  CHECK(sent("http://notes.example:80") == "http://notes.example");
  CHECK(sent("http://notes.example:443") == "http://notes.example:443");
  CHECK(sent("https://notes.example:08443") == "https://notes.example:8443");
  CHECK(sent("http://[::1]:8080") == "http://[::1]:8080");
  CHECK(sent("http://[::1]") == "http://[::1]");
  CHECK(sent("capacitor://localhost") == "capacitor://localhost");
  for (const std::string_view origin :
       {"", "*", "null", "notes.example", "https://", "https://:443", "https://notes.example/",
        "https://notes.example/a", "https://notes.example:", "https://notes.example:x", "https://notes.example:0",
        "https://notes.example:65536", "https://a@notes.example", "https://a:b:1", "https://n\xc3\xb6tes.example"}) {
    CAPTURE(origin);
    CHECK(sent(origin) == "-");
  }
}

TEST_CASE("what no address leads to is told with its reason") {
  const auto why = [](std::string_view name) { return unreachable_because(name); };
  for (const auto& name : {std::string{"notes"}, std::string{"team/plans/"}, std::string(name_bytes_max, 'x')})
    CHECK(why(name).empty());
  CHECK(why("").find("needs a name") != std::string::npos);
  CHECK(why("/notes").find("slash") != std::string::npos);
  CHECK(why(std::string(name_bytes_max + 1, 'x')).find("longer") != std::string::npos);
  CHECK(why("\xff").find("UTF-8") != std::string::npos);
}
