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
