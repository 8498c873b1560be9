#include "cluster/document_finder.hpp"

namespace octavo::cluster {

error moved_error() {
  return {errc::moved, "another node has the document's shard, or nobody for a moment: look it up again"};
}

}  // namespace octavo::cluster
