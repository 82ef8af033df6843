// The last exception of each thread, shared by the families.
#include "support.hpp"

#include <cstring>

namespace {

thread_local char message[512];
thread_local bool kept = false;

} // namespace

extern "C" void trtsys_keep_exception(const char* text)
{
    std::strncpy(message, text != nullptr ? text : "", sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    kept = true;
}

extern "C" const char* trtsys_take_exception(void)
{
    if (!kept) {
        return nullptr;
    }
    kept = false;
    return message;
}
