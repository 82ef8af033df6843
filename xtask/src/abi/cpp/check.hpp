// What the generated checkers share: they compare the tables with the declarations of NVIDIA's headers.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <type_traits>

namespace trtabi {

inline char const* current_class = "";
inline long classes = 0;
inline long slots = 0;
inline long publics = 0;
inline long values = 0;
inline long bad = 0;

inline void begin(char const* name)
{
    current_class = name;
    ++classes;
}

/// A pointer to a virtual function names its slot: Itanium ABI, 2.3.
template <typename Pointer>
inline void slot(Pointer pointer, long wanted, char const* method)
{
    static_assert(sizeof(Pointer) == 16, "a pointer to a member function of the Itanium ABI");
    struct {
        std::intptr_t function;
        std::intptr_t adjustment;
    } parts;
    std::memcpy(&parts, &pointer, sizeof parts);
    long const found = (parts.function & 1) != 0 ? (parts.function - 1) / 8 : -1;
    if (found != wanted || parts.adjustment != 0) {
        ++bad;
        std::printf("%s::%s is in slot %ld, not %ld\n", current_class, method, found, wanted);
    } else {
        ++slots;
    }
}

inline long reached = -1;

template <int index>
void* trap()
{
    reached = index;
    return nullptr;
}

using Trap = void* (*)();
constexpr int TRAPS = 48;

template <int index>
inline void fill(Trap* table)
{
    table[index] = &trap<index>;
    if constexpr (index + 1 < TRAPS) {
        fill<index + 1>(table);
    }
}

/// Destructors have two entries; which ones is seen by calling them through a table of traps.
template <typename Class>
inline void destructor(long wanted)
{
    static Trap table[TRAPS];
    fill<0>(table);
    alignas(16) static void* object[64];
    object[0] = table;
    Class* volatile hidden = reinterpret_cast<Class*>(object);
    Class* pointer = hidden;
    reached = -1;
    pointer->~Class();
    long const complete = reached;
    pointer = hidden;
    reached = -1;
    delete pointer;
    if (complete != wanted || reached != wanted + 1) {
        ++bad;
        std::printf("%s: the destructors are in slots %ld and %ld, not %ld and %ld\n", current_class, complete, reached,
            wanted, wanted + 1);
    } else {
        ++slots;
    }
}

/// A base class begins where its derived class begins.
template <typename Base, typename Derived>
inline void base()
{
    alignas(16) static unsigned char object[64];
    Derived* volatile derived = reinterpret_cast<Derived*>(object);
    if (static_cast<void*>(static_cast<Base*>(derived)) != object) {
        ++bad;
        std::printf("%s: a base class has an offset\n", current_class);
    }
}

/// Whether the headers have a public method, and whether the table of releases says so.
inline void present(bool found, bool wanted, char const* method)
{
    if (found != wanted) {
        ++bad;
        std::printf("%s::%s: the headers %s it, the table of releases says otherwise\n", current_class, method,
            found ? "have" : "lack");
    } else {
        ++publics;
    }
}

/// An enumerator that the headers lack.
struct Absent {
    static constexpr long long value = LLONG_MIN;
};

/// An enumerator that a release between a family's first and last may have.
inline void enumerator(long long found, long long wanted, char const* name)
{
    if (found != Absent::value && found != wanted) {
        ++bad;
        std::printf("%s is %lld, not %lld\n", name, found, wanted);
    } else if (found != Absent::value) {
        ++values;
    }
}

/// The bound that the headers give an enum, where they do.
inline void bound(long long found, long long wanted, char const* name)
{
    if (found != Absent::value && found != wanted) {
        ++bad;
        std::printf("%s has %lld values, the table %lld\n", name, found, wanted);
    }
}

inline int done()
{
    std::printf("#%ld %ld %ld %ld\n", classes, slots, publics, values);
    return bad != 0;
}

} // namespace trtabi
