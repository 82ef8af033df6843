// The driver: calls every method once through NVIDIA's header and once through the function table, and compares what
// reached the stand-in and what came back.
#pragma once

#include "record.hpp"

#include <cstdarg>
#include <cstdio>
#include <tuple>
#include <utility>

namespace trtabi {

/// What the driver found.
struct Outcome {
    int methods;
    int destructors;
    int functions;
    int exceptions;
    int interfaces;
    int callbacks;
    int failures;
    char message[8192];
};

struct Driver {
    shim::Api const* api;
    Control* control;
    void* (*make)(char const*);
    Outcome* outcome;

    void fail(char const* entry, char const* format, ...)
    {
        ++outcome->failures;
        std::size_t const used = std::strlen(outcome->message);
        std::size_t const left = sizeof outcome->message - used;
        int const written = std::snprintf(outcome->message + used, left, "%s: ", entry);
        if (written > 0 && static_cast<std::size_t>(written) + 2 < left) {
            std::va_list list;
            va_start(list, format);
            std::vsnprintf(outcome->message + used + written, left - static_cast<std::size_t>(written) - 1, format, list);
            va_end(list);
            std::size_t const end = std::strlen(outcome->message);
            outcome->message[end] = '\n';
            outcome->message[end + 1] = '\0';
        }
    }
};

/// Whether a C++ type and a C type are passed alike.
template <typename T, typename C>
constexpr bool alike()
{
    using Plain = std::remove_cv_t<T>;
    if constexpr (std::is_void<T>::value || std::is_void<C>::value) {
        // An entry may answer true where the method of this family returns nothing.
        return std::is_void<T>::value && (std::is_void<C>::value || std::is_same<C, bool>::value);
    } else if constexpr (std::is_reference<T>::value || std::is_pointer<T>::value) {
        return std::is_pointer<C>::value;
    } else if constexpr (std::is_enum<Plain>::value) {
        return std::is_same<std::underlying_type_t<Plain>, C>::value;
    } else if constexpr (std::is_arithmetic<Plain>::value) {
        return std::is_arithmetic<C>::value && sizeof(Plain) == sizeof(C)
            && std::is_signed<Plain>::value == std::is_signed<C>::value
            && std::is_floating_point<Plain>::value == std::is_floating_point<C>::value
            && std::is_same<Plain, bool>::value == std::is_same<C, bool>::value;
    } else {
        return std::is_pointer<C>::value || (std::is_class<C>::value && sizeof(Plain) == sizeof(C));
    }
}

/// One argument: a value, or the place that a reference is to.
template <typename A>
struct Argument {
    using T = std::remove_cv_t<std::remove_reference_t<A>>;
    using Stored = std::conditional_t<std::is_reference<A>::value, void*, T>;
    Stored stored;

    Argument(int index, int seed)
    {
        unsigned char* const place = arena + 1024 + index * 512 + seed * 64;
        if constexpr (std::is_reference<A>::value) {
            stored = place;
        } else if constexpr (std::is_pointer<T>::value) {
            stored = (T)place;
        } else if constexpr (std::is_same<T, bool>::value) {
            stored = ((index + seed) & 1) != 0;
        } else if constexpr (std::is_enum<T>::value) {
            stored = static_cast<T>(static_cast<std::underlying_type_t<T>>(index * 17 + 5 + seed));
        } else if constexpr (std::is_arithmetic<T>::value) {
            stored = static_cast<T>(index * 17 + 5 + seed);
        } else {
            std::memcpy(static_cast<void*>(&stored), place, sizeof stored);
        }
    }

    A get()
    {
        if constexpr (std::is_reference<A>::value) {
            return *static_cast<std::remove_reference_t<A>*>(stored);
        } else {
            return stored;
        }
    }

    template <typename C>
    C lower()
    {
        if constexpr (std::is_reference<A>::value || std::is_pointer<T>::value) {
            return (C)stored;
        } else if constexpr (std::is_class<T>::value && std::is_pointer<C>::value) {
            return (C)&stored;
        } else if constexpr (std::is_class<T>::value) {
            C value;
            std::memcpy(static_cast<void*>(&value), &stored, sizeof value);
            return value;
        } else {
            return static_cast<C>(stored);
        }
    }
};

template <typename...>
struct Types {
};

/// The parts of a pointer to a member function.
template <typename M>
struct Member;
#define TRTABI_MEMBER(qualifiers)                                                                                      \
    template <typename R, typename C, typename... A>                                                                   \
    struct Member<R (C::*)(A...) qualifiers> {                                                                         \
        using Returned = R;                                                                                            \
        using Class = C;                                                                                               \
        using Arguments = Types<A...>;                                                                                 \
    };
TRTABI_MEMBER()
TRTABI_MEMBER(const)
TRTABI_MEMBER(noexcept)
TRTABI_MEMBER(const noexcept)
#undef TRTABI_MEMBER

/// Calls a function and packs what it returns; nothing of `void`.
template <typename R, typename F>
inline Value returned(F function)
{
    Value value;
    value.size = 0;
    if constexpr (std::is_void<R>::value) {
        function();
    } else if constexpr (std::is_reference<R>::value) {
        auto& answer = function();
        void const* const address = &reinterpret_cast<char const&>(answer);
        pack(value, address);
    } else {
        R const answer = function();
        pack(value, answer);
    }
    return value;
}

inline Record taken(Record& record)
{
    Record copy = record;
    record.calls = 0;
    record.method = "(nothing)";
    record.self = nullptr;
    record.count = 0;
    record.answer.size = 0;
    return copy;
}

/// Compares a call through the header with one through the table.
inline void compare(Driver& driver, char const* entry, Record const& ours, Record const& theirs)
{
    if (theirs.calls != 1 || ours.calls != 1) {
        driver.fail(entry, "%d calls through the header, %d through the table", theirs.calls, ours.calls);
        return;
    }
    if (ours.id != theirs.id || std::strcmp(ours.method, theirs.method) != 0) {
        driver.fail(entry, "reaches %s, not %s", ours.method, theirs.method);
        return;
    }
    if (ours.self != theirs.self) {
        driver.fail(entry, "reaches another object");
    }
    if (ours.count != theirs.count) {
        driver.fail(entry, "%d arguments arrive, not %d", ours.count, theirs.count);
        return;
    }
    for (int index = 0; index < ours.count; ++index) {
        if (!same(ours.arguments[index], theirs.arguments[index])) {
            driver.fail(entry, "argument %d arrives changed", index);
        }
    }
}

template <typename M, typename CR, typename CS, typename... CA, typename... A>
void reach(Driver& driver, char const* entry, char const* name, M method, bool may_throw, CR (*function)(CS*, CA...),
    Types<A...>)
{
    using R = typename Member<M>::Returned;
    static_assert(sizeof...(A) == sizeof...(CA), "the entry takes another number of arguments");
    static_assert((alike<A, CA>() && ...), "an argument of the entry is passed otherwise");
    static_assert(alike<R, CR>(), "the entry returns otherwise");
    using Class = typename Member<M>::Class;
    auto* const self = static_cast<Class*>(driver.make(name));
    if (function == nullptr || self == nullptr) {
        driver.fail(entry, function == nullptr ? "is null" : "has no object");
        return;
    }
    Record& record = driver.control->record;
    for (int seed = 0; seed < 2; ++seed) {
        driver.control->seed = seed;
        int index = 0;
        std::tuple<Argument<A>...> arguments{Argument<A>(index++, seed)...};
        auto const through_header = [&](auto&... each) -> decltype(auto) { return (self->*method)(each.get()...); };
        auto const through_table = [&](auto&... each) -> CR {
            return function(reinterpret_cast<CS*>(self), each.template lower<CA>()...);
        };
        taken(record);
        Value const theirs = returned<R>([&]() -> R { return std::apply(through_header, arguments); });
        Record const their = taken(record);
        Value const ours = returned<CR>([&]() -> CR { return std::apply(through_table, arguments); });
        Record const our = taken(record);
        compare(driver, entry, our, their);
        Value expected = our.answer;
        if constexpr (std::is_void<R>::value && !std::is_void<CR>::value) {
            bool const taken_as_true = true;
            pack(expected, taken_as_true);
        }
        // A struct that the slot gives by reference is passed on as a pointer; the header copies it.
        constexpr bool copied = std::is_class<R>::value && std::is_pointer<CR>::value;
        Value value = ours;
        if constexpr (copied) {
            CR pointer;
            std::memcpy(&pointer, ours.bytes, sizeof pointer);
            value.size = 0;
            pack(value, *pointer);
        }
        if (!same(theirs, copied ? value : their.answer) || !same(ours, expected)) {
            driver.fail(entry, "returns another value");
        }
        bool const is_pointer = std::is_pointer<R>::value || std::is_reference<R>::value;
        if (!is_pointer && !same(our.answer, their.answer)) {
            driver.fail(entry, "was answered otherwise");
        }
        if (driver.api->takeException() != nullptr) {
            driver.fail(entry, "leaves an exception");
        }
        if (may_throw) {
            driver.control->throws = true;
            Value const zero = returned<CR>([&]() -> CR { return std::apply(through_table, arguments); });
            driver.control->throws = false;
            char const* const message = driver.api->takeException();
            if (message == nullptr || std::strcmp(message, our.method) != 0) {
                driver.fail(entry, "the exception's message is %s", message == nullptr ? "lost" : message);
            }
            for (unsigned byte = 0; byte < zero.size; ++byte) {
                if (zero.bytes[byte] != 0) {
                    driver.fail(entry, "returns a value after an exception");
                    break;
                }
            }
            driver.outcome->exceptions += seed;
            taken(record);
        }
    }
    ++driver.outcome->methods;
}

/// A method of a class.
template <typename M, typename F>
void method(Driver& driver, char const* entry, char const* name, M method, bool may_throw, F function)
{
    reach(driver, entry, name, method, may_throw, function, typename Member<M>::Arguments());
}

/// The deletion of an object, and of null.
template <typename CS>
void destroy(Driver& driver, char const* entry, char const* name, void (*function)(CS*))
{
    void* const self = driver.make(name);
    if (function == nullptr || self == nullptr) {
        driver.fail(entry, function == nullptr ? "is null" : "has no object");
        return;
    }
    taken(driver.control->record);
    function(static_cast<CS*>(nullptr));
    if (taken(driver.control->record).calls != 0) {
        driver.fail(entry, "deletes null");
    }
    function(static_cast<CS*>(self));
    Record const record = taken(driver.control->record);
    if (record.calls != 1 || record.self != self || std::strcmp(record.method, name) != 0) {
        driver.fail(entry, "deletes %s", record.method);
    }
    ++driver.outcome->destructors;
}

/// An exported function; the header's declaration gives its type.
template <typename R, typename... A, typename CR, typename... CA>
void function(Driver& driver, char const* entry, R (*)(A...), CR (*function)(CA...))
{
    static_assert(sizeof...(A) == sizeof...(CA), "the entry takes another number of arguments");
    static_assert((alike<A, CA>() && ...) && alike<R, CR>(), "the entry's type is another");
    if (function == nullptr) {
        driver.fail(entry, "is null");
        return;
    }
    for (int seed = 0; seed < 2; ++seed) {
        driver.control->seed = seed;
        int index = 0;
        std::tuple<Argument<A>...> arguments{Argument<A>(index++, seed)...};
        taken(driver.control->record);
        Value const ours = returned<CR>([&]() -> CR {
            return std::apply([&](auto&... each) -> CR { return function(each.template lower<CA>()...); }, arguments);
        });
        Record const record = taken(driver.control->record);
        Record sent;
        sent.calls = 0;
        std::apply([&](auto&... each) { note(sent, record.id, entry, nullptr, each.stored...); }, arguments);
        compare(driver, entry, record, sent);
        if (!same(ours, record.answer)) {
            driver.fail(entry, "returns another value");
        }
    }
    ++driver.outcome->functions;
}

/// A function that tells a number.
inline void number(Driver& driver, char const* entry, int32_t (*function)(void), int32_t wanted)
{
    if (function == nullptr || function() != wanted) {
        driver.fail(entry, "does not tell %d", wanted);
    }
    ++driver.outcome->functions;
}

/// An entry that the family lacks.
template <typename F>
void absent(Driver& driver, char const* entry, F function)
{
    if (function != nullptr) {
        driver.fail(entry, "is there, but the headers have no such method");
    }
}

/// The steady-state call: each of its parts, in order, then the enqueue.
inline void steady_state(Driver& driver, char const* entry, shim::IExecutionContext* context)
{
    shim::Dims shape;
    std::memset(&shape, 0, sizeof shape);
    int32_t failed = 7;
    shim::TensorUpdate const updates[2] = {{"x", arena, &shape, true}, {"y", arena, nullptr, false}};
    // Every method answers by its id and the seed: some seed answers true to each of the first calls.
    for (int seed = 0; seed < 2; ++seed) {
        driver.control->seed = seed;
        taken(driver.control->record);
        driver.api->IExecutionContext_updateAndEnqueueV3(context, updates, 0, arena + 64, &failed);
        Record const record = taken(driver.control->record);
        void const* stream = nullptr;
        std::memcpy(&stream, record.arguments[0].bytes, sizeof stream);
        if (record.calls != 1 || std::strstr(record.method, "::enqueueV3") == nullptr || stream != arena + 64 || failed != -1) {
            driver.fail(entry, "does not enqueue");
        }
        driver.api->IExecutionContext_updateAndEnqueueV3(context, updates, 1, arena + 64, &failed);
        Record const first = taken(driver.control->record);
        if (first.calls < 1 || first.calls > 3) {
            driver.fail(entry, "makes %d calls for one update", first.calls);
        }
    }
    ++driver.outcome->methods;
}

/// What a callback was called with, on either side.
static Record noted;
static int noted_seed;

template <typename R, typename... A>
inline R callback(int id, void const* user, A const&... arguments)
{
    note(noted, id, "callback", user, arguments...);
    return answer<R>(id, noted_seed);
}

/// A function for a field of a callback struct.
template <typename F>
struct Field;
template <typename R, typename... A>
struct Field<R (*)(void*, A...)> {
    template <int id>
    static R call(void* user, A... arguments)
    {
        return callback<R>(id, user, arguments...);
    }
};

template <typename M, typename Object, typename... A>
void call_back(Driver& driver, char const* name, Object* ours, Object* theirs, M method, Types<A...>)
{
    using R = typename Member<M>::Returned;
    for (int seed = 0; seed < 2; ++seed) {
        noted_seed = seed;
        int index = 0;
        std::tuple<Argument<A>...> arguments{Argument<A>(index++, seed)...};
        auto const on = [&](Object* object) {
            taken(noted);
            return returned<R>([&]() -> R {
                return std::apply(
                    [&](auto&... each) -> decltype(auto) { return (object->*method)(each.get()...); }, arguments);
            });
        };
        Value const their_answer = on(theirs);
        Record const their = taken(noted);
        Value const our_answer = on(ours);
        Record const our = taken(noted);
        if (our.calls != their.calls) {
            driver.fail(name, "%d callbacks, %d by the header's own class", our.calls, their.calls);
        } else if (our.calls != 0) {
            compare(driver, name, our, their);
        }
        if (!same(our_answer, their_answer)) {
            driver.fail(name, "returns another value than the header's own class");
        }
    }
    ++driver.outcome->callbacks;
}

/// A slot of a callback object, compared with a class derived from the header's.
template <typename Object, typename M>
void slot(Driver& driver, char const* name, Object* ours, Object* theirs, M method)
{
    call_back(driver, name, ours, theirs, method, typename Member<M>::Arguments());
}

/// The interface's name and version.
template <typename Object>
void interface_info(Driver& driver, char const* name, Object* ours, Object* theirs)
{
    auto const our = ours->getInterfaceInfo();
    auto const their = theirs->getInterfaceInfo();
    if (std::strcmp(our.kind, their.kind) != 0 || our.major != their.major || our.minor != their.minor) {
        driver.fail(name, "%s %d.%d, not %s %d.%d", our.kind, our.major, our.minor, their.kind, their.major, their.minor);
    }
    ++driver.outcome->callbacks;
}

} // namespace trtabi
