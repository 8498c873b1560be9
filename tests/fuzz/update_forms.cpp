// Any bytes as what somebody pasted for an update: in no reading is anything read beyond the input, bytes survive each
// form that they are written in, and what is written is recognised.
#include "app/update_forms.hpp"

#include <algorithm>

#include "tests/fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace octavo;
  using octavo::fuzz::require;
  const auto given = fuzz::view(data, size);
  for (const auto form : {app::input_form::raw, app::input_form::hex, app::input_form::base64, app::input_form::list}) {
    const auto asked = app::readings(given, form);
    require(asked.size() == 1 && asked[0].form == form, "what is asked for is the only reading");
    if (form != app::input_form::raw && asked[0].data)
      require(asked[0].data->size() <= size, "no text stands for more bytes than it has characters");
    if (form == app::input_form::list) continue;
    const auto text = app::written(given, form);
    const auto back = app::readings(as_bytes(text), form);
    require(bool(back[0].data) && std::ranges::equal(*back[0].data, given), "bytes survive their form");
  }
  require(!app::readings(given, std::nullopt).empty(), "there is always a reading");
  return 0;
}
