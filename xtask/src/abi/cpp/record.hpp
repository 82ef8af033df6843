// What the stand-in library and its driver share: how calls are noted, and the values that answer them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace trtabi {

/// The bytes of a value, without padding.
struct Value {
    unsigned size;
    unsigned char bytes[320];
};

inline void append(Value& value, void const* from, std::size_t size)
{
    if (value.size + size <= sizeof value.bytes) {
        std::memcpy(value.bytes + value.size, from, size);
    }
    value.size += static_cast<unsigned>(size);
}

/// Scalars as they are; structs field by field, by overloads that are generated.
template <typename T, std::enable_if_t<!std::is_class<T>::value && !std::is_array<T>::value, int> = 0>
inline void pack(Value& value, T const& scalar)
{
    append(value, &scalar, sizeof scalar);
}

template <typename T, std::size_t count>
inline void pack(Value& value, T const (&array)[count])
{
    for (T const& element : array) {
        pack(value, element);
    }
}

inline bool same(Value const& a, Value const& b)
{
    return a.size == b.size && std::memcmp(a.bytes, b.bytes, a.size) == 0;
}

constexpr int MOST_ARGUMENTS = 16;

/// The last call: which method, of which object, with what, and the answer.
struct Record {
    int calls;
    int id;
    char const* method;
    void const* self;
    int count;
    Value arguments[MOST_ARGUMENTS];
    Value answer;
};

/// How the driver steers the stand-in.
struct Control {
    Record record;
    /// Answers differ between seeds.
    int seed;
    /// Whether the methods that may throw do.
    bool throws;
};

/// Memory for pointers and references that nobody looks behind.
constexpr std::size_t ARENA = 1 << 17;
alignas(64) static unsigned char arena[ARENA];

/// Patterns behind the pointers and references that are passed.
inline void fill_arena()
{
    for (std::size_t index = 0; index < ARENA; ++index) {
        arena[index] = static_cast<unsigned char>(index * 5 + index / 256);
    }
}

/// A value that tells which method gave it.
template <typename R>
inline R answer(int id, int seed)
{
    if constexpr (std::is_void<R>::value) {
        return;
    } else if constexpr (std::is_same<R, bool>::value) {
        return ((id ^ seed) & 1) != 0;
    } else if constexpr (std::is_reference<R>::value) {
        return *reinterpret_cast<std::remove_reference_t<R>*>(arena + (2 * id + seed) * 16);
    } else if constexpr (std::is_pointer<R>::value) {
        return reinterpret_cast<R>(arena + (2 * id + seed) * 16);
    } else if constexpr (std::is_enum<R>::value) {
        return static_cast<R>(static_cast<std::underlying_type_t<R>>(id * 2 + 3 + seed));
    } else if constexpr (std::is_arithmetic<R>::value) {
        return static_cast<R>(id * 2 + 3 + seed);
    } else {
        R made;
        auto* const bytes = reinterpret_cast<unsigned char*>(&made);
        for (std::size_t index = 0; index < sizeof made; ++index) {
            bytes[index] = static_cast<unsigned char>(id * 7 + seed * 31 + static_cast<int>(index));
        }
        return made;
    }
}

/// Notes a value that comes back; of a reference, its address.
template <typename R, typename T>
inline void pack_answer(Value& value, T& answer)
{
    value.size = 0;
    if constexpr (std::is_reference<R>::value) {
        void const* const address = &reinterpret_cast<char const&>(answer);
        pack(value, address);
    } else {
        pack(value, answer);
    }
}

/// Notes a call.
template <typename... A>
inline void note(Record& record, int id, char const* method, void const* self, A const&... arguments)
{
    static_assert(sizeof...(A) <= MOST_ARGUMENTS, "more arguments than a record holds");
    ++record.calls;
    record.id = id;
    record.method = method;
    record.self = self;
    record.count = 0;
    ((record.arguments[record.count].size = 0, pack(record.arguments[record.count++], arguments)), ...);
}

} // namespace trtabi
