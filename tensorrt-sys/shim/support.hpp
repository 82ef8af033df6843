// What every family's source needs: reaching an object's slots, and stopping exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>

extern "C" void trtsys_keep_exception(const char* message);
extern "C" const char* trtsys_take_exception(void);

namespace trtsys {

/// The object itself, seen as the class whose slots it has.
template <typename Class>
inline Class* object(void* self)
{
    return static_cast<Class*>(self);
}

/// The implementation that an object points to at an offset.
template <typename Class, std::size_t offset>
inline Class* implementation(void* self)
{
    return *reinterpret_cast<Class**>(static_cast<char*>(self) + offset);
}

/// Keeps the exception in flight for the caller to take; only called inside a handler.
inline void keep_exception() noexcept
{
    try {
        throw;
    } catch (const std::exception& exception) {
        trtsys_keep_exception(exception.what());
    } catch (...) {
        trtsys_keep_exception("an exception that is no std::exception");
    }
}

/// A call that may throw; the zero value when it does.
template <typename Value, typename Call>
inline Value guarded(Call call) noexcept
{
    try {
        return call();
    } catch (...) {
        keep_exception();
        return Value{};
    }
}

/// The same for a call that returns nothing.
template <typename Call>
inline void guarded_void(Call call) noexcept
{
    try {
        call();
    } catch (...) {
        keep_exception();
    }
}

} // namespace trtsys

using trtsys::guarded;
using trtsys::guarded_void;
using trtsys::implementation;
using trtsys::object;
