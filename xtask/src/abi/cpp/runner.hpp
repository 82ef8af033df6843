// The program that opens a stand-in and its driver: the shim's table is linked in.
#pragma once

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

namespace trtabi {

struct Control;

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

struct Files {
    void* stand_in = nullptr;
    void* driver = nullptr;

    Files(int count, char** arguments)
    {
        if (count == 3) {
            stand_in = open(arguments[1]);
            driver = open(arguments[2]);
        }
    }

    static void* open(char const* path)
    {
        void* const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            std::printf("%s\n", dlerror());
        }
        return handle;
    }

    template <typename F>
    F symbol(char const* name) const
    {
        return stand_in == nullptr ? nullptr : reinterpret_cast<F>(dlsym(stand_in, name));
    }

    int drive(Api const* api) const
    {
        using Drive = int (*)(Api const*, Control*, void* (*)(char const*), Outcome*);
        auto const control = symbol<Control* (*)()>("trtabi_control");
        auto const make = symbol<void* (*)(char const*)>("trtabi_make");
        auto const run = driver == nullptr ? nullptr : reinterpret_cast<Drive>(dlsym(driver, "trtabi_drive"));
        if (control == nullptr || make == nullptr || run == nullptr) {
            std::printf("usage: runner STAND_IN DRIVER\n");
            return 2;
        }
        static Outcome outcome;
        run(api, control(), make, &outcome);
        std::printf("%s", outcome.message);
        std::printf("#%d %d %d %d %d %d\n", outcome.methods, outcome.destructors, outcome.functions, outcome.exceptions,
            outcome.interfaces, outcome.callbacks);
        return outcome.failures != 0;
    }
};

} // namespace trtabi
