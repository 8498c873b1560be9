// The columns of encoding 2: runs of equal or evenly growing numbers, as lib0 writes them. Readers return false once
// their input is wrong; the error is that of the lib0_reader within.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/lib0.hpp"

namespace octavo::crdt::internal {

/// Bytes, each with how often it comes; how often the last one comes is not written, it comes for ever.
class rle_reader {
 public:
  lib0_reader reader{{}};

  bool read(std::uint8_t& out) {
    if (left_ == 0 && !last_) {
      if (!reader.u8(value_)) return false;
      if (reader.at_end()) {
        last_ = true;
      } else {
        if (!reader.var_uint(left_)) return false;
        ++left_;
      }
    }
    if (!last_) --left_;
    out = value_;
    return true;
  }

 private:
  std::uint64_t left_ = 0;
  std::uint8_t value_ = 0;
  bool last_ = false;
};

class rle_writer {
 public:
  void write(std::uint8_t value) {
    if (count_ != 0 && value_ == value) {
      ++count_;
      return;
    }
    lib0_writer writer(data_);
    if (count_ != 0) writer.var_uint(count_ - 1);
    writer.u8(value);
    value_ = value;
    count_ = 1;
  }

  bytes_view finish() { return data_; }

 private:
  bytes data_;
  std::uint64_t count_ = 0;
  std::uint8_t value_ = 0;
};

/// What columns of runs share: how many are left of the present one.
class run_reader {
 public:
  lib0_reader reader{{}};

 protected:
  /// Reads how long a run is whose head has been read.
  bool begin_run(bool several) {
    left_ = 1;
    if (!several) return true;
    if (!reader.var_uint(left_)) return false;
    left_ += 2;
    return true;
  }

  std::uint64_t left_ = 0;
};

/// Numbers of which equal ones in a row are written once, with a minus sign, and their count.
class uint_opt_rle_reader : public run_reader {
 public:
  bool read(std::uint64_t& out) {
    if (left_ == 0) {
      lib0_int number;
      if (!reader.var_int(number)) return false;
      value_ = number.magnitude;
      if (!begin_run(number.negative)) return false;
    }
    --left_;
    out = value_;
    return true;
  }

 private:
  std::uint64_t value_ = 0;
};

/// Writes runs of equal numbers: each once, as `Head` has it with whether there are several, then how many more. As in
/// lib0 the run that is open at first is one of zeros.
template <class Head>
class run_writer {
 public:
  void write_run(std::int64_t value) {
    if (value != value_) {
      flush();
      value_ = value;
    }
    ++count_;
  }

  bytes_view finish() {
    flush();
    return data_;
  }

 private:
  void flush() {
    if (count_ == 0) return;
    lib0_writer writer(data_);
    writer.var_int(Head()(value_, count_ > 1));
    if (count_ > 1) writer.var_uint(count_ - 2);
    count_ = 0;
  }

  bytes data_;
  std::int64_t value_ = 0;
  std::uint64_t count_ = 0;
};

struct sign_of_run {
  lib0_int operator()(std::int64_t value, bool several) const { return {static_cast<std::uint64_t>(value), several}; }
};

class uint_opt_rle_writer : public run_writer<sign_of_run> {
 public:
  void write(std::uint64_t value) { write_run(static_cast<std::int64_t>(value)); }
};

/// Numbers as differences to the one before, of which equal ones in a row are written once, with their count.
class int_diff_opt_rle_reader : public run_reader {
 public:
  /// A number from 0 to 2^53-1; number_too_large for what leads out of that.
  bool read(std::uint64_t& out) {
    if (left_ == 0) {
      lib0_int number;
      if (!reader.var_int(number)) return false;
      const auto signed_number = static_cast<std::int64_t>(number.magnitude) * (number.negative ? -1 : 1);
      difference_ = signed_number >> 1;
      if (!begin_run((signed_number & 1) != 0)) return false;
    }
    value_ += difference_;
    if (value_ < 0 || value_ > static_cast<std::int64_t>(max_safe_integer))
      return reader.fail(decode_errc::number_too_large);
    --left_;
    out = static_cast<std::uint64_t>(value_);
    return true;
  }

 private:
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
};

struct low_bit_of_run {
  lib0_int operator()(std::int64_t value, bool several) const {
    const auto number = value * 2 + (several ? 1 : 0);
    return {static_cast<std::uint64_t>(number < 0 ? -number : number), number < 0};
  }
};

class int_diff_opt_rle_writer : public run_writer<low_bit_of_run> {
 public:
  void write(std::uint64_t value) {
    const auto next = static_cast<std::int64_t>(value);
    write_run(next - last_);
    last_ = next;
  }

 private:
  std::int64_t last_ = 0;
};

}  // namespace octavo::crdt::internal
