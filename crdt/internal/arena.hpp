// The bytes of all contents of one document, in one growing buffer. Text stays UTF-8, the form of the wire. A run that
// ends where the buffer ends grows in place, which makes typing at the end of the last item free of copies. What is
// freed is only counted; when enough of the buffer is waste the engine moves everything to a fresh one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace octavo::crdt::internal {

/// The size up to which a roomy run may grow in place.
inline std::uint32_t roomy_capacity(std::uint32_t size) {
  constexpr std::uint32_t smallest = 32;
  constexpr std::uint32_t largest = std::uint32_t{1} << 30;
  if (size > largest) return size;
  return size < smallest ? smallest : std::bit_ceil(size);
}

class arena {
 public:
  /// Holds at most max_bytes, and never more than offsets of 32 bits can say.
  explicit arena(std::size_t max_bytes = UINT32_MAX) : max_bytes_(max_bytes < UINT32_MAX ? max_bytes : UINT32_MAX) {}
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() { std::free(data_); }

  char* at(std::uint32_t offset) { return data_ + offset; }
  const char* at(std::uint32_t offset) const { return data_ + offset; }
  std::string_view view(std::uint32_t offset, std::uint32_t size) const {
    return size == 0 ? std::string_view() : std::string_view(data_ + offset, size);
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t waste() const { return waste_; }

  std::size_t max_bytes() const { return max_bytes_; }
  /// True if there may be that many more bytes.
  bool fits(std::size_t more) const { return size_ + more < max_bytes_; }

  /// Makes room at the end; the caller has asked fits(). Returns the offset of the room.
  std::uint32_t extend(std::size_t size) {
    if (size > capacity_ - size_) grow(size_ + size);
    const auto offset = static_cast<std::uint32_t>(size_);
    size_ += size;
    return offset;
  }

  std::uint32_t append(std::string_view content) {
    const std::uint32_t offset = extend(content.size());
    if (!content.empty()) std::memcpy(data_ + offset, content.data(), content.size());
    return offset;
  }

  /// Counts bytes that nothing refers to any more.
  void free(std::size_t size) { waste_ += size; }

  void reserve(std::size_t capacity) {
    if (capacity > capacity_) resize(capacity);
  }

  /// Gives back the room behind the last content.
  void trim() {
    if (capacity_ == size_) return;
    if (size_ == 0) {
      std::free(data_);
      data_ = nullptr;
    } else if (auto* moved = static_cast<char*>(std::realloc(data_, size_))) {
      data_ = moved;
    } else {
      return;
    }
    capacity_ = size_;
  }

  void swap(arena& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(waste_, other.waste_);
    std::swap(max_bytes_, other.max_bytes_);
  }

 private:
  void grow(std::size_t wanted) {
    std::size_t capacity = capacity_ + capacity_ / 4 + 64;
    resize(capacity < wanted ? wanted : capacity);
  }

  void resize(std::size_t capacity) {
    auto* moved = static_cast<char*>(std::realloc(data_, capacity));
    if (moved == nullptr) throw std::bad_alloc();
    data_ = moved;
    capacity_ = capacity;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t waste_ = 0;
  std::size_t max_bytes_;
};

}  // namespace octavo::crdt::internal
