// What the generated stand-in library is made of: its overrides of NVIDIA's virtual functions note the call and answer.
#pragma once

#include "record.hpp"

#include <stdexcept>

namespace trtabi {

static Control control;

/// Structs that are given by reference are patterns too.
static bool const filled = (fill_arena(), true);

using Maker = void* (*)();

/// The object that a method gives: always the same one, or a new one of a class that the caller deletes.
inline void* object(int id, Maker maker, bool owned)
{
    constexpr int MOST = 4096;
    static void* kept[MOST];
    if (owned || id < 0 || id >= MOST) {
        return maker();
    }
    if (kept[id] == nullptr) {
        kept[id] = maker();
    }
    return kept[id];
}

/// One call of a method; `maker` makes the object that it returns, where that is one of the stand-in's.
template <typename R, bool may_throw, typename... A>
R call(int id, char const* method, void const* self, Maker maker, bool owned, A const&... arguments)
{
    note(control.record, id, method, self, arguments...);
    if constexpr (may_throw) {
        if (control.throws) {
            throw std::runtime_error(method);
        }
    }
    Value& answered = control.record.answer;
    if constexpr (std::is_reference<R>::value) {
        using Object = std::remove_reference_t<R>;
        Object* const pointer = maker != nullptr ? static_cast<Object*>(object(id, maker, owned))
                                                 : &answer<R>(id, control.seed);
        answered.size = 0;
        pack(answered, pointer);
        return *pointer;
    } else if constexpr (std::is_pointer<R>::value) {
        R pointer = answer<R>(id, control.seed);
        if (maker != nullptr) {
            pointer = (R)object(id, maker, owned);
        }
        pack_answer<R>(answered, pointer);
        return pointer;
    } else if constexpr (std::is_void<R>::value) {
        answered.size = 0;
    } else {
        R value = answer<R>(id, control.seed);
        pack_answer<R>(answered, value);
        return value;
    }
}

/// An object is deleted.
inline void destroyed(char const* name, void const* self)
{
    note(control.record, -1, name, self);
}

} // namespace trtabi
