// Many payloads of one burst become one, so that a client gets one frame.
#pragma once

#include <vector>

#include "actors/payload.hpp"

namespace octavo::actors {

/// One update with the effect of all; the updates are canonical, as documents make them. Empty if there are none.
payload merge_updates(std::vector<payload> updates);

/// One awareness payload with the newest state of every client.
payload merge_presence(std::vector<payload> changes);

}  // namespace octavo::actors
